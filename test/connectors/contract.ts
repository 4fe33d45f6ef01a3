/**
 * What every connector promises, tested against a running helpdesk. The tests are the same for each; a harness
 * (bench.ts) plays the desk's people and its faults. Tests that a desk cannot support are skipped visibly.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { notAfterIn } from '#connectors/contract/not-after.ts';
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import { bearsReference } from '#core/words/reference.ts';
import { comparableText } from '#core/text/fingerprint.ts';
import type { Command } from '#core/words/vocabulary.ts';
import { until } from '#test/support/wait.ts';
import {
  actionsWith,
  aimed,
  carryOut,
  commandFor,
  failure,
  fileOf,
  isEchoOf,
  longEnough,
  newDelivery,
  performAt,
  readOf,
} from './bench.ts';
import type { Bench } from './bench.ts';

let counter = 0;

/** A text no other test writes. */
function words(): string {
  counter += 1;
  return `words ${counter} ${randomBytes(6).toString('hex')}`;
}

export function contractSuite(name: string, start: () => Promise<Bench>): void {
  describe(`connector contract: ${name}`, () => {
    let bench: Bench;
    let desk: Helpdesk;

    before(async () => {
      bench = await start();
      desk = bench.helpdesk;
    });
    after(async () => {
      await bench?.stop();
    });

    const userTicket = (text = words()): Promise<string> =>
      bench.people.createTicket({ summary: `Ticket of ${text}`, html: `<p>${text}</p>` });

    const note = (ticketId: string, text: string, part: Partial<Command> = {}): Command =>
      commandFor(ticketId, { kind: bench.names.kinds.hidden, note: `<p>${text}</p>`, ...part });

    const openCommand = (text: string, part: Partial<Command> = {}): Command =>
      commandFor(null, {
        visibility: 'visible',
        note: `<p>${text}</p>`,
        open: {
          summary: `Opened with ${text}`,
          account: bench.names.account,
          requester: bench.names.requester,
          farNumber: 'ACME-17',
          farUrl: 'https://acme.example/ticket?id=17',
          ...(bench.names.type === undefined ? {} : { type: bench.names.type }),
        },
        ...part,
      });

    const count = async (ticketId: string, text: string): Promise<number> =>
      (await bench.people.readRaw(ticketId)).notes.filter(({ html }) => html.includes(text)).length;

    test('ping answers when the helpdesk is up and our credentials work', async () => {
      await desk.ping(longEnough());
    });

    test('reports which helpdesk it is, the same to every caller', async () => {
      const told = await desk.identity?.(longEnough());
      assert.ok(typeof told === 'string' && told.length > 8 && told.length <= 300, String(told));
      assert.equal(await bench.restarted().identity?.(longEnough()), told);
    });

    test('a ticket that Ferry opens names the one that it was opened for; references are shown a line each', async () => {
      const text = words();
      const opened = await carryOut(desk, openCommand(text));
      const far = { number: 'ACME-17', url: 'https://acme.example/ticket?id=17' };
      const { references } = (await readOf(desk, opened.ticketId)).snapshot;
      assert.equal(bearsReference(references, far), true, JSON.stringify(references));
      assert.equal(bearsReference(references, { ...far, number: 'ACME-1' }), false);
      const ticketId = await userTicket();
      assert.deepEqual((await readOf(desk, ticketId)).snapshot.references, { customers: [], suppliers: [] });
      const first = { number: '#7', url: 'https://north.example/7' };
      const second = { number: '#24', url: 'https://cobalt.example/24' };
      await carryOut(desk, commandFor(ticketId, { note: null, supplierReference: first }));
      const before = (await readOf(desk, ticketId)).snapshot.references?.suppliers ?? [];
      await carryOut(desk, commandFor(ticketId, { note: null, supplierReference: { ...second, beside: before } }));
      const both = (await readOf(desk, ticketId)).snapshot.references;
      assert.equal(both?.suppliers.length, 2, JSON.stringify(both));
      assert.ok(
        [first, second].every((one) => bearsReference(both, one) === true),
        JSON.stringify(both),
      );
    });

    test('the catalogue names statuses with closed ones marked, kinds with what matters, fields with their options', async () => {
      const { names } = bench;
      const catalogue = await desk.catalogue(longEnough());
      const status = (wanted: string) => catalogue.statuses.find((one) => one.name === wanted);
      assert.equal(status(names.status.open)?.closed, false);
      assert.equal(status(names.status.other)?.closed, false);
      assert.equal(status(names.status.closed)?.closed, true);
      const kind = (wanted: string | null | undefined) => catalogue.kinds.find((one) => one.name === wanted);
      if (names.kinds.visible !== null) assert.equal(kind(names.kinds.visible)?.hidden, false);
      if (names.kinds.hidden !== null) assert.equal(kind(names.kinds.hidden)?.hidden, true);
      if (names.kinds.mails !== undefined) assert.equal(kind(names.kinds.mails)?.mails, true);
      const field = (wanted: string | undefined) => catalogue.fields.find((one) => one.name === wanted);
      assert.equal(field(names.fields.text)?.type, 'text');
      if (names.fields.option !== undefined) {
        assert.equal(field(names.fields.option.name)?.type, 'option');
        assert.ok(field(names.fields.option.name)?.options?.includes(names.fields.option.value));
      }
      if (names.fields.date !== undefined) assert.equal(field(names.fields.date)?.type, 'date');
      if (names.fields.datetime !== undefined) assert.equal(field(names.fields.datetime)?.type, 'datetime');
      assert.ok(catalogue.accounts.includes(names.account));
      if (names.type !== undefined) assert.ok(catalogue.types.some((one) => one.name === names.type));
    });

    test('what was written is read back once, with our identity, its words and its fingerprint or marker', async () => {
      const text = words();
      const ticketId = await userTicket();
      const { status, fields } = bench.names;
      const command = note(ticketId, text, { status: status.other, fields: { [fields.text]: 'written' } });
      const carried = await carryOut(desk, command);
      assert.equal(carried.ticketId, ticketId);
      const { snapshot } = await readOf(desk, ticketId);
      assert.equal(snapshot.status, status.other);
      assert.equal(snapshot.closed, false);
      assert.equal(snapshot.fields[fields.text], 'written');
      const found = await actionsWith(desk, ticketId, text);
      assert.equal(found.length, 1);
      const [action] = found;
      assert.ok(action !== undefined);
      assert.equal(action.author.role, 'service');
      assert.equal(action.visibility, 'hidden');
      assert.ok(isEchoOf(action, carried));
      assert.ok(
        isEchoOf(action, { ...carried, actionIds: [] }),
        'also when the reply named no id, it is known again by marker or fingerprint',
      );
    });

    test('every action of our identity that a write made is known again, by a connector that remembers nothing', async () => {
      const ticketId = await userTicket();
      const { status, fields } = bench.names;
      const before = (await readOf(desk, ticketId)).actions.length;
      const carried = await carryOut(
        desk,
        note(ticketId, words(), { status: status.other, fields: { [fields.text]: 'value' } }),
      );
      const { actions } = await readOf(bench.restarted(), ticketId);
      const ours = actions.slice(before).filter((action) => action.author.role === 'service');
      assert.ok(ours.length >= 1);
      const strangers = ours.filter((action) => !isEchoOf(action, { ...carried, actionIds: [] }));
      assert.deepEqual(
        strangers.map(({ fingerprint }) => fingerprint),
        [],
      );
    });

    test('what people write in the same words is not taken for an echo', async () => {
      const text = words();
      const ticketId = await userTicket();
      const carried = await carryOut(desk, note(ticketId, text));
      await bench.people.agentNote(ticketId, { visible: false, html: `<p>${text}</p>` });
      const found = await actionsWith(desk, ticketId, text);
      assert.equal(found.length, 2);
      assert.deepEqual(
        found.map((action) => isEchoOf(action, { ...carried, actionIds: [] })),
        [true, false],
      );
      assert.deepEqual([found[1]?.author.role, found[1]?.author.name], ['agent', bench.names.agent]);
    });

    test('a lost reply leaves a write in doubt; it is found, and so made exactly once', async () => {
      const text = words();
      const ticketId = await userTicket();
      const [step] = desk.steps(note(ticketId, text));
      assert.ok(step !== undefined);
      const [marker, after] = [`${newDelivery()}-0`, new Date(Date.now() - 1000).toISOString()];
      await bench.faults.loseReply();
      assert.equal((await failure(performAt(desk, step, marker))).class, 'in-doubt');
      const found = await bench.restarted().find(step, marker, after, longEnough());
      assert.equal(found?.ticketId, ticketId);
      assert.equal(await count(ticketId, text), 1);
    });

    test('a write that never arrived is surely not found, although the same text is there from another write', async () => {
      const text = words();
      const ticketId = await userTicket();
      await carryOut(desk, note(ticketId, text));
      const [step] = desk.steps(note(ticketId, text));
      assert.ok(step !== undefined);
      const [marker, after] = [`${newDelivery()}-0`, new Date().toISOString()];
      await bench.faults.cutWrite();
      assert.equal((await failure(performAt(desk, step, marker))).class, 'in-doubt');
      assert.equal(await desk.find(step, marker, after, longEnough()), null);
      await performAt(desk, step, marker);
      assert.equal(await count(ticketId, text), 2);
    });

    test('a ticket whose opening got no answer is found by its marker, and not opened twice', async () => {
      const text = words();
      const [step] = desk.steps(openCommand(text));
      assert.ok(step !== undefined);
      await carryOut(desk, openCommand(words()));
      const [marker, after] = [`${newDelivery()}-0`, new Date(Date.now() - 1000).toISOString()];
      assert.equal(await desk.find(step, marker, after, longEnough()), null);
      await bench.faults.loseReply();
      assert.equal((await failure(performAt(desk, step, marker))).class, 'in-doubt');
      const found = await bench.restarted().find(step, marker, after, longEnough());
      assert.ok(found !== null);
      assert.equal((await readOf(desk, found.ticketId)).snapshot.summary, `Opened with ${text}`);
      assert.ok((found.number ?? '') !== '' && (found.url ?? '').startsWith('http'));
      assert.equal(await desk.find(step, `${newDelivery()}-0`, after, longEnough()), null);
    });

    test('an uncertain change of status or fields is judged by the current state', async () => {
      const ticketId = await userTicket();
      const { status, fields } = bench.names;
      for (const part of [{ status: status.other }, { fields: { [fields.text]: 'judged' } }]) {
        const [step] = desk.steps(commandFor(ticketId, part));
        assert.ok(step !== undefined);
        const [marker, after] = [`${newDelivery()}-0`, new Date(Date.now() - 1000).toISOString()];
        assert.equal(await desk.find(step, marker, after, longEnough()), null);
        await bench.faults.loseReply();
        assert.equal((await failure(performAt(desk, step, marker))).class, 'in-doubt');
        assert.notEqual(await desk.find(step, marker, after, longEnough()), null);
      }
    });

    test('opening sets summary, requester, account, type and first note, and gives number and address', async () => {
      const text = words();
      const { names } = bench;
      const carried = await carryOut(desk, openCommand(text, { fields: { [names.fields.text]: 'at once' } }));
      const { snapshot, actions } = await readOf(desk, carried.ticketId);
      assert.equal(snapshot.summary, `Opened with ${text}`);
      assert.equal(snapshot.account, names.account);
      assert.equal(snapshot.status, names.status.open);
      assert.equal(snapshot.requester?.email ?? snapshot.requester?.name, names.requester.email);
      assert.equal(snapshot.fields[names.fields.text], 'at once');
      assert.equal(snapshot.number, carried.number);
      assert.equal(snapshot.url, carried.url);
      if (names.type !== undefined) assert.equal(snapshot.type, names.type);
      const everything = [snapshot.description, ...actions.map((action) => action.note ?? '')].join(' ');
      assert.ok(everything.includes(text));
      const strangers = actions.filter(({ author }) => author.role !== 'service' && author.role !== 'automation');
      assert.deepEqual(strangers, []);
      assert.deepEqual(await bench.mailbox(carried.ticketId), []);
    });

    test('a requester nobody knows becomes the stand-in, never a user of another account', async () => {
      const { names } = bench;
      const stranger = { name: 'Nobody Known', email: 'nobody.known@elsewhere.example' };
      const command = openCommand(words());
      assert.ok(command.open !== undefined);
      const { ticketId } = await carryOut(desk, { ...command, open: { ...command.open, requester: stranger } });
      const raw = await bench.people.readRaw(ticketId);
      assert.equal(raw.account, names.account);
      if (names.standIn !== undefined) assert.ok(raw.requester.includes(names.standIn), raw.requester);
    });

    test('the author of what we write is shown as the far person, not as our account', async () => {
      const text = words();
      const ticketId = await userTicket();
      await carryOut(desk, note(ticketId, text));
      const raw = (await bench.people.readRaw(ticketId)).notes.find(({ html }) => html.includes(text));
      assert.ok(`${raw?.author} ${raw?.html}`.includes('Ann Lee (Northwind)'));
    });

    test("people's actions are read with author, role, audience and words, in the order they were made", async () => {
      const texts = [words(), words(), words()];
      const ticketId = await userTicket();
      const { people, names } = bench;
      await people.agentNote(ticketId, { visible: true, html: `<p>${texts[0]}</p>` });
      await people.agentNote(ticketId, { visible: false, html: `<p>${texts[1]}</p>` });
      await people.userReply(ticketId, `<p>${texts[2]}</p>`);
      await people.agentStatus(ticketId, names.status.closed);
      const { actions, snapshot } = await readOf(desk, ticketId);
      const notes = texts.map((text) => actions.findIndex((action) => action.note?.includes(text) === true));
      assert.deepEqual(
        notes,
        notes.toSorted((a, b) => a - b),
      );
      const [visible, hidden, reply] = notes.map((index) => actions[index]);
      assert.deepEqual(
        [visible?.visibility, visible?.author.role, visible?.author.name],
        ['visible', 'agent', names.agent],
      );
      assert.deepEqual([hidden?.visibility, hidden?.author.role], ['hidden', 'agent']);
      assert.deepEqual([reply?.visibility, reply?.author.role], ['visible', 'user']);
      assert.equal(reply?.author.email, names.user.email);
      assert.equal(actions.filter(({ words: { status } }) => status === names.status.closed).length, 1);
      assert.equal(snapshot.status, names.status.closed);
      assert.equal(snapshot.closed, true);
      assert.ok(actions.every(({ at }, index) => index === 0 || at >= (actions[index - 1]?.at ?? '')));
      assert.ok(actions.every(({ at }) => new Date(at).toISOString() === at));
      assert.equal(new Set(actions.map(({ externalId }) => externalId)).size, actions.length);
    });

    test('reading since an instant gives what came at or after it', async () => {
      const [first, second] = [words(), words()];
      const ticketId = await userTicket();
      await bench.people.agentNote(ticketId, { visible: false, html: `<p>${first}</p>` });
      await bench.people.agentNote(ticketId, { visible: false, html: `<p>${second}</p>` });
      const [last] = await actionsWith(desk, ticketId, second);
      assert.ok(last !== undefined);
      const reading = await desk.read(ticketId, last.at, longEnough());
      assert.ok(reading.kind === 'ticket');
      assert.ok(reading.actions.some(({ externalId }) => externalId === last.externalId));
      assert.ok(reading.actions.every(({ at }) => at >= last.at));
    });

    test('fields that people change are read as words of an action: dates as dates, instants in UTC', async () => {
      const { fields } = bench.names;
      const ticketId = await userTicket();
      await bench.people.agentField(ticketId, fields.text, 'by hand');
      if (fields.option !== undefined) await bench.people.agentField(ticketId, fields.option.name, fields.option.value);
      if (fields.date !== undefined) await bench.people.agentField(ticketId, fields.date, '2026-12-31');
      const { actions, snapshot } = await readOf(desk, ticketId);
      const changed = Object.assign({}, ...actions.map((action) => action.words.fields)) as Record<string, unknown>;
      assert.equal(changed[fields.text], 'by hand');
      assert.equal(snapshot.fields[fields.text], 'by hand');
      if (fields.option !== undefined) assert.equal(snapshot.fields[fields.option.name], fields.option.value);
      if (fields.date !== undefined) assert.equal(snapshot.fields[fields.date], '2026-12-31');
    });

    test('fields are written in their own types; absent leaves them, null and "" clear them', async () => {
      const { fields } = bench.names;
      const ticketId = await userTicket();
      const at = '2026-12-31T23:30:00.000Z';
      const values = {
        [fields.text]: 'äöü <b> & "quoted"',
        ...(fields.option === undefined ? {} : { [fields.option.name]: fields.option.value }),
        ...(fields.date === undefined ? {} : { [fields.date]: '2026-12-31' }),
        ...(fields.datetime === undefined ? {} : { [fields.datetime]: at }),
        ...(fields.number === undefined ? {} : { [fields.number]: 12 }),
      };
      await carryOut(desk, note(ticketId, words(), { fields: values }));
      const written = (await readOf(desk, ticketId)).snapshot.fields;
      for (const [name, value] of Object.entries(values)) assert.equal(String(written[name]), String(value), name);
      await carryOut(desk, note(ticketId, words()));
      assert.equal((await readOf(desk, ticketId)).snapshot.fields[fields.text], values[fields.text]);
      await carryOut(desk, commandFor(ticketId, { fields: { [fields.text]: null } }));
      assert.ok(((await readOf(desk, ticketId)).snapshot.fields[fields.text] ?? '') === '');
      await carryOut(desk, commandFor(ticketId, { fields: { [fields.text]: 'again' } }));
      await carryOut(desk, note(ticketId, words(), { fields: { [fields.text]: '' } }));
      assert.ok(((await readOf(desk, ticketId)).snapshot.fields[fields.text] ?? '') === '');
    });

    test('status, priority, category and summary can be set without a note', async () => {
      const { status, priority, category } = bench.names;
      const ticketId = await userTicket();
      const summary = `Renamed ${words()}`;
      await carryOut(
        desk,
        commandFor(ticketId, {
          status: status.closed,
          summary,
          ...(priority === undefined ? {} : { priority }),
          ...(category === undefined ? {} : { category }),
        }),
      );
      const { snapshot } = await readOf(desk, ticketId);
      assert.deepEqual([snapshot.status, snapshot.closed, snapshot.summary], [status.closed, true, summary]);
      if (priority !== undefined) assert.equal(snapshot.priority, priority);
      if (category !== undefined) assert.equal(snapshot.category, category);
    });

    test('a hidden note shows to no end user and mails nobody; a visible one shows, and mails nobody either', async () => {
      const [hidden, visible] = [words(), words()];
      const ticketId = await userTicket();
      const { people, names } = bench;
      const mailed = (await bench.mailbox(ticketId)).length;
      await carryOut(desk, note(ticketId, hidden));
      await carryOut(desk, note(ticketId, visible, { kind: names.kinds.visible, visibility: 'visible' }));
      await carryOut(desk, commandFor(ticketId, { status: names.status.closed }));
      const raw = await people.readRaw(ticketId);
      assert.deepEqual(
        [hidden, visible].map((text) => raw.notes.find(({ html }) => html.includes(text))?.hidden),
        [true, false],
      );
      if (people.userSees !== undefined) {
        const seen = (await people.userSees(ticketId)).join(' ');
        assert.ok(seen.includes(visible) && !seen.includes(hidden));
      }
      assert.equal((await bench.mailbox(ticketId)).length, mailed);
    });

    test('the user is mailed when, and only when, the command says so', async (t) => {
      const { mails } = bench.names.kinds;
      if (mails === undefined) return t.skip('this desk has no kind that mails the user');
      const [quiet, loud] = [words(), words()];
      const ticketId = await userTicket();
      await carryOut(desk, note(ticketId, quiet, { kind: mails, visibility: 'visible' }));
      await carryOut(desk, note(ticketId, loud, { kind: mails, visibility: 'visible', mailsUser: true }));
      const mailed = await until(
        async () => {
          const mailbox = await bench.mailbox(ticketId);
          return mailbox.some(({ body }) => body.includes(loud)) && mailbox;
        },
        { what: 'the mail' },
      );
      assert.equal(mailed.filter(({ body }) => body.includes(loud)).length, 1);
      assert.equal(mailed.filter(({ body }) => body.includes(quiet)).length, 0);
      assert.ok(mailed.every(({ to }) => to.includes(bench.names.user.email)));
    });

    test('what the desk does by itself after our write is read as its automation, not as ours or a person’s', async (t) => {
      const { automation } = bench;
      if (automation === undefined) return t.skip('this harness has no automation');
      const text = words();
      const ticketId = await userTicket();
      const before = (await readOf(desk, ticketId)).actions.length;
      await automation.arm(ticketId);
      try {
        await carryOut(desk, note(ticketId, text, { kind: bench.names.kinds.visible, visibility: 'visible' }));
        const found = await until(
          async () => {
            const { actions } = await readOf(desk, ticketId);
            const after = actions.slice(before);
            return after.some(({ author }) => author.role === 'automation') && after;
          },
          { what: 'the automation' },
        );
        const ours = found.findIndex(({ author }) => author.role === 'service');
        assert.ok(ours >= 0 && found.findIndex(({ author }) => author.role === 'automation') > ours);
      } finally {
        await automation.disarm();
      }
    });

    test('files of people are listed with their action and downloaded byte for byte', async () => {
      const text = words();
      const ticketId = await userTicket();
      const bytes = randomBytes(300_000);
      const files = [
        { name: 'trace ä.bin', type: 'application/octet-stream', bytes },
        { name: 'empty-line.txt', type: 'text/plain', bytes: Buffer.from('line 1\r\nline 2\n\n') },
      ];
      await bench.people.agentNote(ticketId, { visible: true, html: `<p>${text}</p>`, files });
      const [action] = await actionsWith(desk, ticketId, text);
      assert.deepEqual(action?.attachments.map(({ name, inline }) => [name, inline]).toSorted(), [
        ['empty-line.txt', false],
        ['trace ä.bin', false],
      ]);
      for (const file of files) {
        const attachment = action.attachments.find((one) => one.name === file.name);
        assert.ok(attachment !== undefined);
        const { stream } = await desk.openAttachment(ticketId, attachment.id, longEnough());
        assert.equal(sha256(await buffer(stream)), sha256(file.bytes), file.name);
      }
      assert.equal((await failure(desk.openAttachment(ticketId, '99999999', longEnough()))).class, 'gone');
    });

    test('files we write arrive byte for byte with their note, visible or hidden', async () => {
      for (const visibility of ['visible', 'hidden'] as const) {
        const text = words();
        const ticketId = await userTicket();
        const files = [
          fileOf('pattern.bin', 'application/octet-stream', randomBytes(1_000_003)),
          fileOf('bericht ü.txt', 'text/plain', Buffer.from('Zeile 1\r\nZeile 2\n')),
        ];
        const kind = visibility === 'visible' ? bench.names.kinds.visible : bench.names.kinds.hidden;
        const carried = await carryOut(desk, note(ticketId, text, { kind, visibility, attachments: files }));
        const found = await actionsWith(desk, ticketId, text);
        assert.equal(found.length, 1);
        assert.ok(found[0] !== undefined && isEchoOf(found[0], carried));
        assert.equal(found[0].visibility, visibility);
        for (const file of files) {
          const attachment = found[0].attachments.find((one) => one.name === file.name);
          assert.ok(attachment !== undefined, file.name);
          const { stream } = await desk.openAttachment(ticketId, attachment.id, longEnough());
          assert.equal(sha256(await buffer(stream)), file.sha256, file.name);
        }
        assert.equal((await bench.people.readRaw(ticketId)).files.length, files.length);
      }
    });

    test('a file in doubt is found, or surely not there and uploaded again, never twice', async () => {
      const text = words();
      const ticketId = await userTicket();
      const file = fileOf('once.bin', 'application/octet-stream', randomBytes(5_000));
      const steps = desk.steps(note(ticketId, text, { attachments: [file] }));
      const delivery = newDelivery();
      for (const [index, step] of steps.entries()) {
        const [marker, after] = [`${delivery}-${index}`, new Date(Date.now() - 1000).toISOString()];
        await bench.faults.cutWrite();
        assert.equal((await failure(performAt(desk, step, marker))).class, 'in-doubt');
        assert.equal(await bench.restarted().find(step, marker, after, longEnough()), null);
        await bench.faults.loseReply();
        assert.equal((await failure(performAt(bench.restarted(), step, marker))).class, 'in-doubt');
        assert.notEqual(await bench.restarted().find(step, marker, after, longEnough()), null, step.name);
      }
      const [action] = await actionsWith(desk, ticketId, text);
      assert.deepEqual(
        action?.attachments.map(({ name }) => name),
        ['once.bin'],
      );
      assert.equal((await bench.people.readRaw(ticketId)).files.length, 1);
    });

    test('pictures in notes of people come as cid with their bytes; no address or token of the desk goes along', async () => {
      const text = words();
      const ticketId = await userTicket();
      const files = [{ name: 'screen.png', type: 'image/png', bytes: tinyPng, cid: 'screen1' }];
      await bench.people.agentNote(ticketId, { visible: true, html: `<p>${text} <img src="cid:screen1"></p>`, files });
      const [action] = await actionsWith(desk, ticketId, text);
      const shown = /<img[^>]*\ssrc="cid:([^"]+)"/.exec(action?.note ?? '')?.[1];
      const attachment = action?.attachments.find(({ id }) => id === shown);
      assert.ok(attachment !== undefined, action?.note ?? 'no note');
      assert.equal(attachment.inline, true);
      assert.doesNotMatch(action?.note ?? '', /src="?(https?:|\/)|token/i);
      const { stream } = await desk.openAttachment(ticketId, attachment.id, longEnough());
      assert.equal(sha256(await buffer(stream)), sha256(tinyPng));
    });

    test('pictures in our notes and descriptions show from the desk itself', async () => {
      const picture = fileOf('screen.png', 'image/png', tinyPng, true);
      const [text, opened] = [words(), words()];
      const ticketId = await userTicket();
      const shows = (words: string): string => `<p>${words} <img src="cid:${picture.id}" alt="screen"></p>`;
      for (const [kind, visibility] of [
        [bench.names.kinds.hidden, 'hidden'],
        [bench.names.kinds.visible, 'visible'],
      ] as const) {
        const about = `${text} ${visibility}`;
        await carryOut(desk, note(ticketId, about, { kind, visibility, note: shows(about), attachments: [picture] }));
        const [action] = await actionsWith(desk, ticketId, about);
        await shownIn(ticketId, action?.note ?? '');
        const raw = (await bench.people.readRaw(ticketId)).notes.find(({ html }) => html.includes(about));
        assert.ok(raw !== undefined && !raw.html.includes(picture.id), 'no id of the far side is left in it');
      }
      const carried = await carryOut(desk, openCommand(opened, { note: shows(opened), attachments: [picture] }));
      const { snapshot, actions } = await readOf(desk, carried.ticketId);
      const holder = [snapshot.description, ...actions.map((one) => one.note ?? '')].find((one) =>
        one.includes(opened),
      );
      await shownIn(carried.ticketId, holder ?? '');
    });

    async function shownIn(ticketId: string, html: string): Promise<void> {
      const id = /<img[^>]*\ssrc="cid:([^"]+)"/.exec(html)?.[1];
      assert.ok(id !== undefined, html);
      const { stream } = await desk.openAttachment(ticketId, id, longEnough());
      assert.equal(sha256(await buffer(stream)), sha256(tinyPng));
    }

    test('a note longer than the desk takes arrives whole, in parts or as a file, never cut', async () => {
      const ticketId = await userTicket();
      const [first, last] = [words(), words()];
      const line = '<p>The same line of the log, over and over again.</p>\n';
      const lines = Math.ceil((desk.traits.noteMaxBytes * 1.5) / line.length);
      const long = `<p>${first}</p>${line.repeat(lines)}<p>${last}</p>`;
      await carryOut(desk, note(ticketId, '', { note: long }));
      const { actions } = await readOf(desk, ticketId);
      let whole = actions.map((action) => action.note ?? '').join('');
      for (const file of actions.flatMap((action) => action.attachments)) {
        whole += (await buffer((await desk.openAttachment(ticketId, file.id, longEnough())).stream)).toString();
      }
      const text = comparableText(whole);
      assert.ok(text.includes(comparableText(first)) && text.includes(comparableText(last)));
      assert.equal(text.split('overandoveragain').length - 1, lines);
    });

    test('the supplier reference is written, and cleared so that another supplier can be asked', async () => {
      const ticketId = await userTicket();
      const reference = { number: 'NW-24018', url: 'https://northwind.example/ticket?id=24018' };
      await carryOut(desk, commandFor(ticketId, { supplierReference: reference }));
      assert.ok((await bench.people.readRaw(ticketId)).supplierReference.includes('NW-24018'));
      await carryOut(desk, commandFor(ticketId, { supplierReference: null }));
      assert.equal((await bench.people.readRaw(ticketId)).supplierReference, '');
    });

    test("other desks' mail tags in what we write no longer match anything", async (t) => {
      if (bench.defusesTags !== true) return t.skip('core defuses tags before this connector sees them');
      const text = words();
      const ticketId = await userTicket();
      const tags = '[rt.local #12] [ID:123] [ID:0123]';
      await carryOut(desk, note(ticketId, `${text} ${tags}`, { summary: `${tags} ${text}` }));
      const raw = await bench.people.readRaw(ticketId);
      for (const written of [raw.summary, ...raw.notes.map(({ html }) => html)]) {
        assert.doesNotMatch(written, /\[rt\.local\s+#\d+\]|\[ID:\d+\]/);
      }
    });

    test('the feed begins at now, names every changed ticket while many write, and repeats nothing when it is quiet', async () => {
      const { writers, notes } = bench.load ?? { writers: 4, notes: 5 };
      const old = await userTicket();
      let cursor = await desk.feedStart(longEnough());
      const tickets = await Promise.all(Array.from({ length: writers }, () => userTicket()));
      const texts = new Map<string, string>();
      const seen = new Set<string>();
      let named = 0;
      const look = async (): Promise<readonly string[]> => {
        const page = await desk.feed(cursor, 3, longEnough());
        cursor = page.cursor;
        named += page.tickets.length;
        assert.equal(new Set(page.tickets).size, page.tickets.length);
        for (const ticketId of page.tickets) {
          assert.notEqual(ticketId, old);
          for (const action of (await readOf(desk, ticketId)).actions) {
            for (const [text, where] of texts) if (where === ticketId && action.note?.includes(text)) seen.add(text);
          }
        }
        return page.more ? ['more'] : page.tickets;
      };
      const write = async (writer: number): Promise<void> => {
        for (let index = 0; index < notes; index++) {
          const ticketId = tickets[(writer + index) % tickets.length] ?? '';
          const text = words();
          texts.set(text, ticketId);
          if (index % 2 === 0) await bench.people.agentNote(ticketId, { visible: false, html: `<p>${text}</p>` });
          else await carryOut(desk, note(ticketId, text));
        }
      };
      let writing = true;
      const all = Promise.all(tickets.map((_, writer) => write(writer))).finally(() => {
        writing = false;
      });
      while (writing) await look();
      await all;
      await until(async () => (await look()).length === 0 && seen.size === texts.size, {
        what: 'the feed to have named everything',
        timeoutMs: 30_000,
      });
      assert.deepEqual(
        [...texts.keys()].filter((text) => !seen.has(text)),
        [],
      );
      assert.deepEqual(await look(), []);
      assert.ok(named <= texts.size + tickets.length * 2, `${named} names for ${texts.size} changes`);
    });

    test('notes written at the same time on one ticket are all read, each once, in one order that never changes', async () => {
      const ticketId = await userTicket();
      const texts = Array.from({ length: 6 }, words);
      await Promise.all(
        texts.map((text) => bench.people.agentNote(ticketId, { visible: false, html: `<p>${text}</p>` })),
      );
      const order = async (): Promise<readonly string[]> =>
        (await readOf(desk, ticketId)).actions.flatMap(({ note: html }) =>
          texts.filter((text) => html?.includes(text)),
        );
      const first = await order();
      assert.deepEqual(first.toSorted(), texts.toSorted());
      await carryOut(desk, note(ticketId, words()));
      assert.deepEqual(await order(), first);
    });

    test('wrong credentials are auth', async () => {
      const error = await failure(bench.wrongCredentials().ping(longEnough()));
      assert.equal(error.class, 'auth');
      assert.doesNotMatch(error.message, /not-the-secret|wrong-token/i);
    });

    test('a desk that does not listen is retry, for writes too: nothing was sent', async () => {
      const ticketId = await userTicket();
      const away = bench.unreachable();
      assert.equal((await failure(away.ping(longEnough()))).class, 'retry');
      assert.equal((await failure(carryOut(away, note(ticketId, words())))).class, 'retry');
    });

    test('a ticket that is not there, or was deleted, is gone', async () => {
      assert.deepEqual(await desk.read('99999999', null, longEnough()), { kind: 'gone' });
      if (bench.people.deleteTicket === undefined) return;
      const ticketId = await userTicket();
      await bench.people.deleteTicket(ticketId);
      assert.deepEqual(await desk.read(ticketId, null, longEnough()), { kind: 'gone' });
      assert.equal((await failure(carryOut(desk, note(ticketId, words())))).class, 'gone');
    });

    test('a merged ticket names the one that stays', async (t) => {
      const { mergeTickets } = bench.people;
      if (mergeTickets === undefined) return t.skip('this desk merges no tickets');
      const [from, into] = [await userTicket(), await userTicket()];
      await mergeTickets(from, into);
      assert.deepEqual(await desk.read(from, null, longEnough()), { kind: 'merged', into });
    });

    test("what the desk's workflow forbids is refused, in its own words", async (t) => {
      const { forbidden } = bench;
      if (forbidden === undefined) return t.skip('this harness has nothing forbidden');
      const text = words();
      const ticketId = await userTicket();
      const error = await failure(carryOut(desk, note(ticketId, text, forbidden.command)));
      assert.equal(error.class, 'refused');
      assert.match(error.message, forbidden.words);
    });

    test('names that the desk does not have are refused before anything is changed', async () => {
      const text = words();
      const ticketId = await userTicket();
      const error = await failure(carryOut(desk, note(ticketId, text, { status: 'No Such Status' })));
      assert.equal(error.class, 'refused');
      assert.match(error.message, /No Such Status/);
    });

    test('a desk that is over its limit says when to come back', async () => {
      await bench.faults.slowDown(7);
      const error = await failure(desk.ping(longEnough()));
      assert.deepEqual([error.class, error.retryAfterMs], ['slow-down', 7000]);
      await bench.faults.slowDown(null);
      const vague = await failure(desk.ping(longEnough()));
      assert.equal(vague.class, 'slow-down');
      await desk.ping(longEnough());
    });

    test('server errors and web pages instead of answers: reads are retried, writes never made twice', async () => {
      for (const fault of ['serverError', 'htmlInstead'] as const) {
        const text = words();
        const ticketId = await userTicket();
        await bench.faults[fault]('read');
        assert.equal((await failure(desk.read(ticketId, null, longEnough()))).class, 'retry', fault);
        await bench.faults.clear();
        const [step] = desk.steps(note(ticketId, text));
        assert.ok(step !== undefined);
        const [marker, after] = [`${newDelivery()}-0`, new Date(Date.now() - 1000).toISOString()];
        await bench.faults[fault]('write');
        const error = await failure(performAt(desk, step, marker));
        assert.ok(error.class === 'in-doubt' || error.class === 'retry', error.class);
        await bench.faults.clear();
        if (error.class === 'in-doubt') assert.equal(await desk.find(step, marker, after, longEnough()), null);
        await performAt(desk, aimed(step, ticketId), marker);
        assert.equal(await count(ticketId, text), 1);
      }
    });

    test('a success that left out the status does not look like one: the read-back shows it', async (t) => {
      if (bench.faults.loseStatus === undefined) return t.skip('this harness can not lose a status');
      const text = words();
      const ticketId = await userTicket();
      await bench.faults.loseStatus();
      await carryOut(desk, note(ticketId, text, { status: bench.names.status.closed })).catch(
        (error: unknown) => error,
      );
      assert.notEqual((await readOf(desk, ticketId)).snapshot.status, bench.names.status.closed);
    });

    test('a conditional write that lost is a conflict, and changed nothing', async (t) => {
      if (bench.conditional !== true) return t.skip('this desk has no conditional writes');
      const ticketId = await userTicket();
      const { snapshot } = await readOf(desk, ticketId);
      await bench.people.agentStatus(ticketId, bench.names.status.other);
      const error = await failure(
        carryOut(desk, commandFor(ticketId, { status: bench.names.status.closed }), { snapshot }),
      );
      assert.equal(error.class, 'conflict');
      assert.equal((await readOf(desk, ticketId)).snapshot.status, bench.names.status.other);
    });

    test('nothing is sent after the deadline, whether a timer says so or the clock alone', async () => {
      const text = words();
      const ticketId = await userTicket();
      const late = { signal: AbortSignal.abort(), notAfter: notAfterIn(60_000) };
      const frozen = { signal: longEnough(), notAfter: notAfterIn(0) };
      const commands = [
        note(ticketId, text),
        openCommand(text),
        commandFor(ticketId, { status: bench.names.status.other }),
      ];
      for (const within of [late, frozen]) {
        for (const command of commands) {
          const [step] = desk.steps(command);
          assert.ok(step !== undefined);
          const promise = desk.perform(step, {
            marker: `${newDelivery()}-0`,
            ...within,
            link: 'link-1',
            snapshot: null,
            openStaged: () => assert.fail('no file'),
          });
          assert.equal((await failure(promise)).class, 'retry');
        }
      }
      assert.equal(await count(ticketId, text), 0);
      assert.equal((await readOf(desk, ticketId)).snapshot.status, bench.names.status.open);
    });

    test('what has waited for its turn is not sent after the time that it had', async () => {
      const text = words();
      const ticketId = await userTicket();
      const [step] = desk.steps(note(ticketId, text));
      assert.ok(step !== undefined);
      let asked = 0;
      // Over at the last look: everything that the connector asks before it writes is answered.
      const notAfter = { leftMs: () => ((asked += 1), 0) };
      const promise = desk.perform(step, {
        marker: `${newDelivery()}-0`,
        signal: longEnough(),
        notAfter,
        link: 'link-1',
        snapshot: (await readOf(desk, ticketId)).snapshot,
        openStaged: () => assert.fail('no file'),
      });
      assert.equal((await failure(promise)).code, 'too-late');
      assert.ok(asked > 0);
      assert.equal(await count(ticketId, text), 0);
    });
  });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** One red pixel. */
const tinyPng = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==',
  'base64',
);
