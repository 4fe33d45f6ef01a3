/**
 * Checks that the check of requests works, and what it has found in everything that this connector requests from a
 * Halo.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCheck, createHelpdesk } from '#connectors/halo/index.ts';
import { carryOut, commandFor, fileOf, longEnough, newTrial, readOf } from '#test/connectors/bench.ts';
import { acmeNames } from '#twins/halo/seeds/acme.ts';
import { startProgram, type Program } from '#test/support/process.ts';
import { haloBench } from './harness.ts';
import { exceptions, operations } from './openapi.ts';
import { faultsOf, watchedTwin } from './valid-requests.ts';

const wrong = (operation: string, query: Record<string, string>, body?: unknown): readonly string[] =>
  faultsOf(operation, { query: new URLSearchParams(query), body }).map(({ where }) => where);

test('a path, a parameter, a property, a type or a form of body that the OpenAPI does not have is noticed', () => {
  assert.deepEqual(wrong('GET /Tickets/{id}/Actions', {}), ['GET /Tickets/{id}/Actions']);
  assert.deepEqual(wrong('GET /Actions', { ticket_id: '1', page_no: '1' }), ['GET /Actions ?page_no']);
  assert.deepEqual(wrong('GET /Actions', { ticket_id: 'one' }), ['GET /Actions ?ticket_id']);
  assert.deepEqual(wrong('POST /Tickets', {}, { summary: 'x' }), ['POST /Tickets body']);
  assert.deepEqual(wrong('POST /Tickets', {}, [{ summary: 1, sumary: 'x', priority_id: '5f0c1e2a' }]), [
    'POST /Tickets body.summary',
    'POST /Tickets body.sumary',
    'POST /Tickets body.priority_id',
  ]);
  assert.deepEqual(wrong('POST /Actions', {}, [{ guid: 'x', attachments: [{ id: 1, name: 'a' }] }]), [
    'POST /Actions body.guid',
    'POST /Actions body.attachments.name',
  ]);
  assert.deepEqual(wrong('POST /Actions', {}, [{ ticket_id: 1, outcome: 'Update', note_html: null }]), []);
});

test('a twin that runs as a process and is watched ends badly once a request was none of the OpenAPI, and says which', async () => {
  const start = (): Promise<Program> =>
    startProgram({ program: 'twins/halo/main.ts', args: ['--seed', 'acme', ...watchedTwin], ready: /"url"/ });
  const asked = async (path: string): Promise<Program> => {
    const twin = await start();
    const { url } = JSON.parse(twin.stdout()) as { url: string };
    await (await fetch(`${url}${path}`)).body?.cancel();
    return twin;
  };
  const bad = await asked('/api/Actions?ticket_id=1&page_no=2');
  assert.equal((await bad.stop()).code, 1);
  assert.match(bad.stderr(), /GET \/Actions \?page_no: there is no such parameter/);
  const good = await asked('/api/Actions?ticket_id=1');
  assert.deepEqual([(await good.stop()).code, good.stderr()], [0, '']);
});

test('all kinds of requests that this connector makes are of the OpenAPI, or exceptions that are needed', async () => {
  const bench = await haloBench('acme');
  try {
    const { helpdesk: desk, requests, names } = bench;
    await desk.ping(longEnough());
    await desk.catalogue(longEnough());
    const cursor = await desk.feedStart(longEnough());
    const file = fileOf('a.txt', 'text/plain', Buffer.from('a'));
    const picture = fileOf('b.png', 'image/png', Buffer.from('b'), true);
    const open = {
      summary: 'Opened',
      account: names.account,
      requester: names.requester,
      farNumber: '1',
      farUrl: 'https://x.example/1',
      type: names.type ?? '',
    };
    const note = `<p>With all <img src="cid:${picture.id}"></p>`;
    const made = await carryOut(
      desk,
      commandFor(null, { open, note, visibility: 'visible', attachments: [file, picture] }),
    );
    await carryOut(
      desk,
      commandFor(made.ticketId, {
        kind: 'Update',
        note,
        status: names.status.other,
        priority: 'Low',
        category: acmeNames.categories.vpn,
        summary: 'Renamed',
        fields: { [acmeNames.fields.scope]: 'A team', 'Target date': '2027-01-01T10:00:00Z' },
        attachments: [file, picture],
      }),
    );
    await carryOut(desk, commandFor(made.ticketId, { supplierReference: { number: '1', url: 'https://x.example/1' } }));
    const { actions } = await readOf(bench.restarted(), made.ticketId);
    for (const one of actions.flatMap(({ attachments }) => attachments)) {
      (await bench.restarted().openAttachment(made.ticketId, one.id, longEnough())).stream.destroy();
    }
    await desk.feed(cursor, 10, longEnough());
    // Also checks what a trial of `ferry check` writes, edits and deletes.
    const trial = newTrial(made.ticketId, createHelpdesk);
    const { probes, cleanUp, verdictOf } = createCheck(bench.context, { accounts: [], types: [], tickets: [] }, trial);
    for (const { run } of probes) await run(longEnough()).catch(verdictOf);
    await cleanUp(longEnough());
    requests.assertValid();
    const needed = [
      'GET /Tickets',
      'POST /Tickets',
      'GET /Actions',
      'POST /Actions',
      'POST /Attachment/image',
      'DELETE /Actions/{id}',
      'DELETE /Attachment/{id}',
      'GET /Agent',
    ];
    for (const operation of needed) assert.ok(requests.met.has(operation), operation);
    for (const operation of requests.met) assert.ok(operation in operations, operation);
    assert.deepEqual([...requests.used].toSorted(), exceptions.map(({ where }) => where).toSorted());
  } finally {
    await bench.stop();
  }
});
