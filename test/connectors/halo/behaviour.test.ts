/** What is specific to Halo, beyond the contract of every connector. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { acmeNames } from '#twins/halo/seeds/acme.ts';
import {
  actionsWith,
  carryOut,
  commandFor,
  failure,
  fileOf,
  longEnough,
  newDelivery,
  performAt,
  readOf,
} from '#test/connectors/bench.ts';
import type { HaloBench } from './harness.ts';
import { haloBench } from './harness.ts';

let bench: HaloBench;

before(async () => {
  bench = await haloBench('acme');
  await bench.helpdesk.catalogue(longEnough());
});
after(async () => {
  await bench?.stop();
});
beforeEach(async () => {
  await bench.client.clearFaults();
  await bench.client.call('DELETE', '/rules');
});

const newTicket = (): Promise<string> => bench.people.createTicket({ summary: 'A ticket', html: '<p>Please help</p>' });

async function requestsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  await bench.client.clearRequests();
  await work();
  const { requests } = await bench.client.requests();
  return requests.map(({ method, path }) => `${method} ${path.replace(/\d+$/, ':id')}`);
}

test('a carried note with status and fields costs one request, and two to read it back', async () => {
  const ticketId = await newTicket();
  const command = commandFor(ticketId, {
    kind: 'Update',
    note: '<p>one request</p>',
    visibility: 'visible',
    status: 'With supplier',
    category: acmeNames.categories.wifi,
    priority: 'Low',
    fields: { [acmeNames.fields.scope]: 'Everybody' },
  });
  const requests = await requestsOf(async () => {
    await carryOut(bench.helpdesk, command);
    await readOf(bench.helpdesk, ticketId);
  });
  assert.deepEqual(requests, ['POST /api/actions', 'GET /api/tickets/:id', 'GET /api/actions']);
  const { snapshot } = await readOf(bench.helpdesk, ticketId);
  assert.deepEqual(
    [snapshot.status, snapshot.category, snapshot.priority, snapshot.fields[acmeNames.fields.scope]],
    ['With supplier', 'Network>Wi-Fi', 'Low', 'Everybody'],
  );
});

test('files cost one request each beside the note, also when their ids are remembered', async () => {
  const ticketId = await newTicket();
  const files = [fileOf('a.txt', 'text/plain', Buffer.from('a')), fileOf('b.png', 'image/png', Buffer.from('b'), true)];
  for (const visibility of ['visible', 'hidden'] as const) {
    const command = commandFor(ticketId, {
      note: `<p><img src="cid:${files[1]?.id}"></p>`,
      visibility,
      attachments: files,
    });
    const requests = await requestsOf(() => carryOut(bench.helpdesk, command));
    assert.deepEqual(requests.toSorted(), ['POST /api/actions', 'POST /api/attachment', 'POST /api/attachment/image']);
  }
});

test('our writes start no automation of the desk, and send nothing on to a connected Halo', async () => {
  const ticketId = await newTicket();
  await bench.client.rule({
    name: 'Answers the application',
    when: { on: 'action', by: 'application' },
    does: { note_html: '<p>robot</p>', mail: true },
  });
  await carryOut(bench.helpdesk, commandFor(ticketId, { kind: 'Private note to supplier', note: '<p>quiet</p>' }));
  await carryOut(bench.helpdesk, commandFor(ticketId, { status: 'Resolved' }));
  const ticket = await bench.client.ticket(Number(ticketId));
  assert.deepEqual(
    ticket.actions.map(({ outcome, sync_to_halo_api }) => [outcome, sync_to_halo_api]),
    [['Private note to supplier', 0]],
  );
  assert.deepEqual(await bench.client.outbox(Number(ticketId)), []);
});

test('an escalation is read with the supplier that was chosen, and the choice where to send', async () => {
  const ticketId = await newTicket();
  await bench.client.agentAction('Dana Reyes', Number(ticketId), {
    outcome: acmeNames.outcomes.escalate,
    note_html: '<p>please take over</p>',
    supplier: acmeNames.supplier,
  });
  await bench.client.agentAction('Dana Reyes', Number(ticketId), {
    outcome: acmeNames.outcomes.noteToSupplier,
    note_html: '<p>not this one</p>',
    sync_to_halo_api: 0,
  });
  await bench.client.agentAction('Dana Reyes', Number(ticketId), {
    outcome: 'Email User',
    note_html: '<p>to the user</p>',
  });
  const { actions, snapshot } = await readOf(bench.helpdesk, ticketId);
  const [, escalation, withheld, mail] = actions;
  assert.equal(escalation?.words.kind, 'Escalate to MSP');
  assert.equal(escalation?.words.fields.Supplier, 'Northwind MSP');
  assert.equal(escalation?.words.status, 'With supplier');
  assert.equal('sendTo' in (escalation ?? {}), false);
  assert.equal(escalation?.visibility, 'hidden');
  assert.equal(escalation?.author.email, 'dana.reyes@acme.example');
  assert.equal(withheld?.sendTo, 'none');
  assert.equal('status' in (withheld?.words ?? {}), false);
  assert.deepEqual([escalation?.mailed, mail?.mailed], [false, true]);
  assert.equal(mail?.note, '<p>to the user</p>');
  assert.equal(snapshot.fields.Supplier, 'Northwind MSP');
});

test('a description with a pasted picture is read with cid, and the picture is there', async () => {
  const { snapshot } = await readOf(bench.helpdesk, String(acmeNames.tickets.vpn));
  const id = /<img[^>]*\ssrc="cid:(image-[\w-]+)"/.exec(snapshot.description)?.[1];
  assert.ok(id !== undefined, snapshot.description);
  const opened = await bench.helpdesk.openAttachment(snapshot.ticketId, id, longEnough());
  assert.equal(opened.type, 'image/png');
  opened.stream.destroy();
});

test('a change that commits late, with an earlier time, is still named by the feed', async () => {
  const [slow, quick] = [await newTicket(), await newTicket()];
  let cursor = await bench.helpdesk.feedStart(longEnough());
  await bench.client.fault({ kind: 'late-commit', ms: 300, match: { method: 'POST', path: '^/api/actions' } });
  const late = carryOut(bench.connect(), commandFor(slow, { kind: 'Update', note: '<p>late</p>' }));
  const seen = new Set<string>();
  const look = async (): Promise<void> => {
    const page = await bench.helpdesk.feed(cursor, 10, longEnough());
    cursor = page.cursor;
    for (const id of page.tickets) seen.add(id);
  };
  while (!seen.has(quick)) {
    await bench.people.agentNote(quick, { visible: false, html: '<p>quick</p>' });
    await look();
  }
  await late;
  await look();
  assert.ok(seen.has(slow));
});

test('the feed returns no more than requested, says when there is more, and survives being serialised as JSON', async () => {
  const first = await bench.helpdesk.feedStart(longEnough());
  const tickets = await Promise.all(Array.from({ length: 7 }, newTicket));
  let cursor = first;
  const found: string[] = [];
  for (let more = true; more;) {
    const page = await bench.connect().feed(cursor, 2, longEnough());
    assert.ok(page.tickets.length <= 2);
    found.push(...page.tickets);
    ({ cursor, more } = page);
  }
  assert.deepEqual(found.toSorted(), tickets.toSorted());
  const quiet = await bench.helpdesk.feed(cursor, 2, longEnough());
  assert.deepEqual([quiet.tickets, quiet.more], [[], false]);
  assert.equal((await failure(bench.helpdesk.feed('nonsense', 2, longEnough()))).code, 'bad-cursor');
});

test('a long history is read page by page, whole and in order', async () => {
  const ticketId = await newTicket();
  const { desk } = bench.twin;
  const many = 620;
  for (let index = 0; index < many; index += 20) {
    await Promise.all(
      Array.from({ length: 20 }, (_, inner) =>
        bench.client.agentAction('Dana Reyes', Number(ticketId), { outcome: 'Update', note: `line ${index + inner}` }),
      ),
    );
  }
  assert.ok(desk.store !== undefined);
  const { actions } = await readOf(bench.helpdesk, ticketId);
  // With the one that Halo logs for the ticket.
  assert.equal(actions.length, many + 1);
  assert.deepEqual(
    actions.map(({ externalId }) => Number(externalId)),
    actions.map((_, index) => index + 1),
  );
});

test('a note whose marker Halo lost is found by our identity and its text', async () => {
  const ticketId = await newTicket();
  const [step] = bench.helpdesk.steps(commandFor(ticketId, { kind: 'Update', note: '<p>marker lost</p>' }));
  assert.ok(step !== undefined);
  const [marker, since] = [`${newDelivery()}-0`, new Date().toISOString()];
  await bench.client.fault({ kind: 'dropped-field', field: 'guid', match: { path: '^/api/actions' } });
  await performAt(bench.helpdesk, step, marker);
  const found = await bench.restarted().find(step, marker, since, longEnough());
  assert.deepEqual(found, { ticketId, actionIds: ['2'] });
});

test('a note that Halo made visible against our word is hidden at once', async () => {
  const ticketId = await newTicket();
  await bench.client.fault({ kind: 'dropped-field', field: 'hiddenfromuser', match: { path: '^/api/actions' } });
  await carryOut(bench.helpdesk, commandFor(ticketId, { kind: 'Update', note: '<p>for agents</p>' }));
  const [action] = await actionsWith(bench.helpdesk, ticketId, 'for agents');
  assert.equal(action?.visibility, 'hidden');
});

test('a token that was revoked is renewed without anybody noticing', async () => {
  await bench.helpdesk.ping(longEnough());
  await bench.client.fault({ kind: 'revoke-tokens' });
  const ticketId = await newTicket();
  const file = fileOf('x.txt', 'text/plain', Buffer.from('still here'));
  await carryOut(bench.helpdesk, commandFor(ticketId, { note: '<p>renewed</p>', attachments: [file] }));
  assert.equal((await actionsWith(bench.helpdesk, ticketId, 'renewed'))[0]?.attachments[0]?.name, 'x.txt');
});

test('files of the same bytes come once under each name, whether or not end users may see the note', async () => {
  const ticketId = await newTicket();
  const bytes = Buffer.from('same bytes');
  const names = ['one.txt', 'two.txt', 'one.txt'];
  for (const visibility of ['visible', 'hidden'] as const) {
    const files = names.map((name, at) => ({ ...fileOf(name, 'text/plain', bytes), id: `${visibility}-${at}`, name }));
    await carryOut(
      bench.helpdesk,
      commandFor(ticketId, { note: `<p>the same ${visibility}</p>`, visibility, attachments: files }),
    );
    const [action] = await actionsWith(bench.helpdesk, ticketId, `the same ${visibility}`);
    assert.deepEqual(action?.attachments.map(({ name }) => name).toSorted(), ['one.txt', 'two.txt']);
    assert.ok(!(action?.note ?? '').includes('could not be attached'));
  }
});

test('a file that Halo does not take leaves a placeholder with the reason, and never stops its note', async () => {
  const small = await haloBench('acme');
  try {
    const ticketId = await small.people.createTicket({ summary: 'x', html: 'x' });
    const files = [
      fileOf('fits.txt', 'text/plain', Buffer.from('x')),
      { ...fileOf('', 'text/plain', Buffer.from('y')), name: '' },
    ];
    for (const visibility of ['visible', 'hidden'] as const) {
      await carryOut(
        small.helpdesk,
        commandFor(ticketId, { note: `<p>with files ${visibility}</p>`, visibility, attachments: files }),
      );
      const [action] = await actionsWith(small.helpdesk, ticketId, `with files ${visibility}`);
      assert.deepEqual(
        action?.attachments.map(({ name }) => name),
        ['fits.txt'],
      );
      assert.match(action?.note ?? '', /could not be attached: .*A filename is required/);
    }
  } finally {
    await small.stop();
  }
});

test('names learnt after the catalogue was read are found at once', async () => {
  const ticketId = await newTicket();
  const desk = bench.connect();
  await desk.catalogue(longEnough());
  await bench.client.catalogue('status', [
    { id: 77, name: 'Brand new', shortname: 'n', sequence: 77, colour: '', closed: false },
  ]);
  await carryOut(desk, commandFor(ticketId, { status: 'Brand new' }));
  assert.equal((await readOf(desk, ticketId)).snapshot.status, 'Brand new');
});

test("people's use of our own agent is distinguished from our application's writes", async () => {
  const ticketId = await newTicket();
  await bench.client.agentAction('Ferry', Number(ticketId), { outcome: 'Update', note_html: '<p>by hand</p>' });
  await carryOut(bench.helpdesk, commandFor(ticketId, { kind: 'Update', note: '<p>by Ferry</p>' }));
  const { actions } = await readOf(bench.helpdesk, ticketId);
  assert.deepEqual(
    actions.map(({ author }) => author.role),
    ['user', 'agent', 'service'],
  );
});

test('every request is budgeted under the link it is made for', async () => {
  const taken: (string | null)[] = [];
  const desk = bench.connect({ take: async (link) => void taken.push(link) });
  const ticketId = await newTicket();
  const requests = await requestsOf(async () => {
    await carryOut(desk, commandFor(ticketId, { kind: 'Update', note: '<p>counted</p>' }));
    await desk.read(ticketId, null, longEnough());
  });
  // Signing in is not among Halo's API requests.
  assert.equal(taken.length, requests.filter((one) => !/auth/.test(one)).length);
  assert.deepEqual([taken.filter((link) => link === 'link-1').length > 0, taken.includes(null)], [true, true]);
});
