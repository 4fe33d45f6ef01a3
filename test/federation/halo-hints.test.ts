import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDeskRig, type DeskRig } from './desk-rig.ts';
import { errorDialogPng } from '#twins/halo/picture.ts';
import { until } from '#test/support/wait.ts';
import { acmeNames, farOf, mayWiden, northwindNames, startPair, type Pair } from './halo-pair.ts';

const { noteToSupplier, internalNote } = acmeNames.outcomes;
const { update } = northwindNames.outcomes;

for (const profile of ['usual', 'other'] as const)
  describe(`two Halos whose webhooks and answers cannot be relied on (${profile} answers)`, () => {
    let rig: DeskRig;
    let pair: Pair;
    before(async () => {
      rig = await startDeskRig(`hints_${profile}`);
      // What is in doubt is judged once its deadline has passed.
      pair = await startPair(rig, { profile, options: { writeTimeoutMs: 1_000 } });
      await rig.startWorker();
      await rig.live();
    });
    after(() => rig.close());

    /** The id of Northwind's ticket of that summary, as soon as there is one. */
    async function newest(summary: string): Promise<number | undefined> {
      const found = await pair.north.people.tickets();
      return found.find((one) => one.summary === summary)?.id;
    }

    /** Northwind's notes on the ticket that have this text, oldest first. */
    async function arrived(far: number, text: string): Promise<string[]> {
      const { actions } = await pair.north.ticket(far);
      return actions.map(({ note }) => note).filter((note) => note.includes(text));
    }

    it('what is done on the new ticket before its mirror is open is carried, not taken for somebody else’s', async () => {
      const picture = errorDialogPng().toString('base64');
      for (let n = 1; n <= 3; n += 1) {
        const summary = `Answered at once ${n}`;
        const ticket = await pair.logged({
          summary,
          details_html: '<p>I see this:</p><p><img src="cid:seen.png" alt="the error"></p>',
          attachments: [{ filename: 'seen.png', cid: 'seen.png', data_base64: picture }],
        });
        await pair.escalate(ticket);
        const far = await until(() => newest(summary), { what: 'the ticket at Northwind', everyMs: 2 });
        await pair.lena(far, update, `<p>seen at once ${n}</p>`);
        await pair.acme.note(ticket, `seen at once ${n}`);
      }
    });

    it('the same webhook ten times at once brings its note once', async () => {
      const { ticket, far } = await pair.escalated();
      await pair.acme.people.fault({ kind: 'webhook-drop', times: 1 });
      await pair.dana(ticket, noteToSupplier, '<p>ten hints</p>');
      const hook = `${rig.gatewayUrl}/hooks/${pair.acme.id}/${pair.acme.secrets['HOOK_SECRET']}`;
      const body = JSON.stringify({ event: 'New Action', ticket: { id: ticket } });
      const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
      const replies = await Promise.all(Array.from({ length: 10 }, () => fetch(hook, post)));
      assert.deepEqual(
        replies.map(({ status }) => status),
        Array.from({ length: 10 }, () => 202),
      );
      await pair.north.note(far, 'ten hints');
      await Promise.all(Array.from({ length: 10 }, () => fetch(hook, post)));
      await rig.settled();
      assert.equal((await arrived(far, 'ten hints')).length, 1);
    });

    it('webhooks that come twice or out of order bring every note once, in the order of the ticket', async () => {
      const { ticket, far } = await pair.escalated();
      await pair.acme.people.fault({ kind: 'webhook-duplicate', times: 4 });
      await pair.acme.people.fault({ kind: 'webhook-reorder', times: 4 });
      const notes = Array.from({ length: 10 }, (_, n) => `shuffled ${n}`);
      for (const note of notes) await pair.dana(ticket, noteToSupplier, `<p>${note}</p>`);
      await pair.north.note(far, 'shuffled 9');
      await rig.settled();
      assert.deepEqual(await arrived(far, 'shuffled'), notes);
    });

    it('a note whose webhook is lost comes with the next poll', async () => {
      const { ticket, far } = await pair.escalated();
      await rig.settled();
      for (const desk of pair.desks) await desk.people.fault({ kind: 'webhook-drop', times: 0 });
      await pair.dana(ticket, noteToSupplier, '<p>unannounced</p>');
      await pair.north.note(far, 'unannounced');
      await pair.lena(far, update, '<p>nor this</p>');
      await pair.acme.note(ticket, 'nor this');
      const unseen = await pair.logged({ summary: 'Escalated unseen' });
      await pair.escalate(unseen);
      assert.ok((await farOf(pair.acme, unseen)) > 0);
      for (const desk of pair.desks) await desk.people.clearFaults();
    });

    it('an escalation whose answer is lost after the ticket was made opens one ticket', async () => {
      const before = (await pair.north.people.tickets()).length;
      await pair.north.people.fault({
        kind: 'reply-lost-after-commit',
        match: { method: 'POST', path: '^/api/tickets$' },
      });
      const { far } = await pair.escalated({ summary: 'Answer lost' });
      assert.equal((await pair.north.people.tickets()).length, before + 1);
      assert.equal((await pair.north.ticket(far)).summary, 'Answer lost');
    });

    it('notes whose answers are lost, refused by a failing desk or replaced by a web page arrive once, in order', async () => {
      const { ticket, far } = await pair.escalated();
      const match = { method: 'POST', path: '^/api/actions' };
      await pair.north.people.fault({ kind: 'reply-lost-after-commit', match: { ...match, skip: 1 } });
      await pair.north.people.fault({ kind: '500', match: { ...match, skip: 3 } });
      await pair.north.people.fault({ kind: 'wrong-content-type', match: { ...match, skip: 5 } });
      await pair.north.people.fault({ kind: 'drop-before-commit', match: { ...match, skip: 7 } });
      const notes = Array.from({ length: 6 }, (_, n) => `through trouble ${n}`);
      for (const note of notes) await pair.dana(ticket, noteToSupplier, `<p>${note}</p>`);
      await pair.north.note(far, 'through trouble 5', 90_000);
      await rig.settled();
      assert.deepEqual(await arrived(far, 'through trouble'), notes);
      await pair.north.people.clearFaults();
    });

    it('a desk that restarts in the middle loses nothing and doubles nothing', async () => {
      const { ticket, far } = await pair.escalated();
      const notes = Array.from({ length: 6 }, (_, n) => `around a restart ${n}`);
      for (const [n, note] of notes.entries()) {
        if (n === 2)
          await pair.north.people.fault({ kind: 'restart', ms: 700, match: { method: 'POST', path: '^/api/actions' } });
        await pair.dana(ticket, noteToSupplier, `<p>${note}</p>`);
      }
      await pair.north.note(far, 'around a restart 5', 90_000);
      await rig.settled();
      assert.deepEqual(await arrived(far, 'around a restart'), notes);
    });

    it('what a desk’s automation does after Ferry’s note stays in that desk', async () => {
      const { ticket, far } = await pair.escalated();
      await pair.acme.people.rule({
        name: 'Answers notes',
        enabled: true,
        when: { on: 'action', by: 'application', outcome: internalNote },
        does: { note_html: '<p>seen by the robot</p>', outcome: noteToSupplier, hidden: true },
        ignoresSwitches: true,
      });
      await pair.lena(far, update, '<p>wake the robot</p>');
      await pair.acme.note(ticket, 'seen by the robot');
      await rig.settled();
      await pair.acme.people.call('DELETE', '/rules');
      assert.doesNotMatch(JSON.stringify(await pair.north.ticket(far)), /seen by the robot/);
      const { entries } = await rig.trace(pair.acme.id, ticket);
      assert.equal(entries.at(-1)?.reason?.code, 'consequence');
    });

    it('two people who write the same words in the same second are both heard', async () => {
      const { ticket, far } = await pair.escalated();
      await Promise.all([
        pair.dana(ticket, noteToSupplier, '<p>same words</p>'),
        pair.acme.people.agentAction(acmeNames.agents.sam, ticket, {
          outcome: noteToSupplier,
          note_html: '<p>same words</p>',
        }),
      ]);
      await pair.north.shows(
        far,
        'both notes',
        (seen) => seen.actions.filter(({ note }) => note === 'same words').length === 2,
      );
      const authors = (await pair.north.ticket(far)).actions
        .filter(({ note }) => note === 'same words')
        .map(({ who }) => who);
      assert.deepEqual(authors.toSorted(), ['Dana Reyes (Acme)', 'Sam Okafor (Acme)']);
    });

    it('keeps every invariant', () => rig.check({ mayWiden }));
  });
