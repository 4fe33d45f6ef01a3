// What is erased, what stays so that nothing is carried again, and what is requested from the other side.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows, type Client } from '#db/base/client.ts';
import { askErasure, claimErasures, noteAnswer, receiveErasure, type ReceivedErasure } from '#db/operate/erasures.ts';
import { answerErasure } from '#operate/erase/answer.ts';
import { erase } from '#operate/erase/erase.ts';
import { erasureStatus } from '#operate/erase/status.ts';
import { trace } from '#operate/trace/trace.ts';
import { verify } from '#operate/verify/verify.ts';
import { ids } from '#test/cli/log.ts';
import { somebody } from '#test/support/operator.ts';
import { assertSame, link, openWorkplace, plantPeerLink, type Workplace } from '#test/operate/workplace.ts';
import { named } from '#test/support/named.ts';

let place: Workplace;
let db: Client;
beforeEach(async () => {
  place = await openWorkplace();
  ({ db } = place);
  await db.execute(
    sql`update tickets set snapshot = '{"summary": "planted summary", "requester": {"name": "Dana"}}' where external_id <> '1002'`,
  );
  await db.execute(
    sql`insert into attachments (action, id, sha256, size_bytes) values (${ids.escalation}, 'a', ${'ab'.repeat(32)}, 3)`,
  );
  await db.execute(sql`update writes set plan = '{"command": {"note": "planted plan"}}' where step = 0`);
  await db.execute(
    sql`update deliveries set sent = '{"note": "planted sent"}', constant = '{"note": "planted constant"}', words = '{"summary": "planted words"}'
      where id = ${ids.toNorthwind}`,
  );
  await db.execute(
    sql`insert into offers (link, mirror, delivery, action) values (${link}, ${ids.escalation}, ${ids.toAcme}, '{"note": "planted offer"}')`,
  );
});
afterEach(() => place.close());

const ticket = { instance: 'acme', ticket: '1001' } as const;
const endMirror = () => db.execute(sql`update mirrors set state = 'closed'`);
const erasuresOf = (direction: 'out' | 'in') =>
  rows<{ link: string; state: string; actions: string[] }>(
    db,
    sql`select link, state, actions from erasures where direction = ${direction} order by link`,
  );

test('of a ticket no word, name, value or file is left, and what recognises it stays', async () => {
  await endMirror();
  const before = await rows(db, sql`select id, hash, at, external_id, signature, trace from actions order by id`);
  const { erased } = await erase(place.as(), ticket);
  assert.deepEqual(erased, { actions: 3, skipped: 1, files: 1, snapshots: 2, asked: [] });
  const dump = (await place.dump()).split('\n').filter((row) => /planted|Dana|Lena|Everybody|With supplier/.test(row));
  // What was not carried does not belong to this ticket; settings are not contents; the next test covers their own
  // ticket.
  assert.deepEqual(
    dump
      .filter((row) => !/^(?:catalogues|settings|profiles|audit|instances) /.test(row))
      .map((row) => row.split(' ')[0]),
    ['actions'],
  );
  assert.ok(dump.some((row) => row.startsWith('actions') && row.includes(ids.hidden)));
  assert.deepEqual(
    [...(await rows(db, sql`select id, hash, at, external_id, signature, trace from actions order by id`))],
    [...before],
  );
  assert.equal((await rows(db, sql`select 1 as one from unused_files`)).length, 1);
});

test('a ticket is erased from either end, with what only its own desk has of it', async () => {
  await endMirror();
  await erase(place.as(), { instance: 'northwind', ticket: '24018' });
  assert.equal((await rows(db, sql`select 1 as one from actions where note is not null`)).length, 0);
});

test('a trace and a proof of an erased ticket still show what happened, without any of its text', async () => {
  await endMirror();
  await erase(place.as(), ticket);
  const shown = await trace(place.as(), 'acme', '1001', { notes: true });
  assert.equal(shown.mirrors.length, 1);
  const own = shown.entries.filter((entry) => !('action' in entry) || entry.action !== ids.hidden);
  assert.equal(own.length, shown.entries.length - 1, 'what was not carried is of the other ticket');
  assert.doesNotMatch(JSON.stringify(own), /planted|Dana|Lena/);
  assert.equal((await verify(place.as(), 'acme', '1001', { offline: true })).length, 3);
});

test('waiting actions are no longer carried, and their lane continues', async () => {
  await erase(place.as(), ticket);
  const [held] = await rows(db, sql`select outcome, reason->>'code' as code from deliveries where id = ${ids.held}`);
  assert.deepEqual([held?.['outcome'], held?.['code']], ['skipped', 'dropped']);
  const [lane] = await rows(db, sql`select head_seq::int as head from lanes where to_instance = 'acme'`);
  assert.equal(lane?.['head'], 4);
});

test('the reading of a ticket with an open mirror stays, and is named; it goes once the mirror has ended', async () => {
  const { found, erased } = await erase(place.as(), ticket);
  assert.deepEqual([erased?.snapshots, found.kept.length], [0, 2]);
  await endMirror();
  assert.equal((await erase(place.as(), ticket)).erased?.snapshots, 2);
});

const plantTrial = (ticket: string, over: string): Promise<unknown> =>
  db.execute(
    sql`insert into trials (instance, ticket, marker, before, known, statuses, fields, summary, over_at)
      values ('northwind', ${ticket}, 'trial-1', '{"ticketId": "24018", "number": "NW-24018", "url": "https://n.example/24018",
        "summary": "planted trial", "description": "<p>Dana</p>", "status": "New", "closed": false, "category": null,
        "type": null, "priority": null, "fields": {"Site": "planted"}, "account": "Acme", "requester": {"name": "Dana"}}',
        '{7}', '{New}', '{Site}', true, now() + ${over}::interval)`,
  );

test('what a killed trial keeps of a ticket or person loses its words, and what it wrote can still be found', async () => {
  await endMirror();
  for (const what of [ticket, { person: 'dana', mentions: false }, { person: 'PLANTED TRIAL', mentions: true }]) {
    await db.execute(sql`delete from trials`);
    await plantTrial('24018', '-1 minute');
    const { found, erased } = await erase(place.as(), what);
    assert.deepEqual(found.trials, [{ instance: 'northwind', ticket: '24018', underWay: false }]);
    assert.ok((erased?.snapshots ?? 0) >= 1);
    const left = await rows<Record<string, unknown>>(db, sql`select trials::text as text, marker, known from trials`);
    assert.deepEqual([left[0]?.['marker'], left[0]?.['known']], ['trial-1', ['7']]);
    assert.doesNotMatch(String(left[0]?.['text']), /planted|dana|site|acme|new/i);
    assert.deepEqual((await erase(place.as(), what)).found.trials, [], 'a second time there is nothing');
  }
});

test('a trial is found on a ticket that Ferry mirrors with nobody; what one under way keeps stays, and is named', async () => {
  await plantTrial('99', '1 minute');
  const alone = { instance: 'northwind', ticket: '99' } as const;
  const before = await rows(db, sql`select * from trials`);
  const { found, erased } = await erase(place.as(), alone);
  assert.deepEqual([found.trials, found.snapshots, erased], [[{ ...alone, underWay: true }], 0, null]);
  assert.deepEqual([...(await rows(db, sql`select * from trials`))], [...before]);
  await db.execute(sql`update trials set over_at = now()`);
  assert.equal((await erase(place.as(), alone, { dryRun: true })).found.snapshots, 1);
  assert.equal((await erase(place.as(), alone)).erased?.snapshots, 1);
  assert.doesNotMatch(await place.dump(), /planted trial/);
  assert.deepEqual((await erase(place.as(), { person: 'lena', mentions: false }, { dryRun: true })).found.trials, []);
});

test('a second time there is nothing to erase, and nothing is audited', async () => {
  await endMirror();
  await erase(place.as(), ticket);
  const start = await place.dump();
  const { found, erased } = await erase(place.as(), ticket);
  assert.deepEqual([found.actions, found.snapshots, erased], [0, 0, null]);
  assertSame(await place.dump(), start);
});

test('a dry run counts, says which helpdesks hold it, and changes nothing; nor does a no', async () => {
  const start = await place.dump();
  const { found, erased } = await erase(place.as(), ticket, { dryRun: true });
  assert.equal(erased, null);
  assert.deepEqual([found.actions, found.deliveries, found.waiting, found.files], [3, 4, 1, 1]);
  assert.deepEqual(
    found.holders.map((one) => [one.instance, one.number, one.driven]),
    [
      ['acme', '1001', true],
      ['northwind', 'NW-24018', true],
    ],
  );
  assert.equal((await erase(place.as(), ticket, { confirm: () => Promise.resolve(false) })).erased, null);
  assertSame(await place.dump(), start);
});

test('a person is found by the whole name or address in any case, and what others wrote only with mentions', async () => {
  await db.execute(sql`update actions set note = '<p>Ask dana about it</p>' where id = ${ids.update}`);
  for (const name of ['dan', 'Dana L'])
    assert.equal((await erase(place.as(), { person: name, mentions: false }, { dryRun: true })).found.actions, 0, name);
  assert.equal((await erase(place.as(), { person: 'DANA', mentions: false }, { dryRun: true })).found.actions, 1);
  assert.equal((await erase(place.as(), { person: 'dana', mentions: true }, { dryRun: true })).found.actions, 2);
  await endMirror();
  const { erased } = await erase(place.as(), { person: 'dana', mentions: true });
  assert.deepEqual([erased?.actions, erased?.snapshots], [2, 2]);
  assert.doesNotMatch((await place.dump()).replaceAll(/^(?:catalogues|settings) .*$/gm, ''), named('dana'));
});

test('a name with signs that mean something in patterns means itself', async () => {
  for (const person of ['%%%', '___', "a' or 'a'='a", '\\\\\\', '.*.'])
    for (const mentions of [true, false])
      assert.equal((await erase(place.as(), { person, mentions }, { dryRun: true })).found.actions, 0, person);
  await assert.rejects(erase(place.as(), { person: ' a ', mentions: true }), { code: 'short-name' });
});

test('the audit says who erased which ticket and how much; of a person not even the name', async () => {
  await erase(place.as(), ticket);
  await erase(place.as(), { person: 'Lena', mentions: false });
  const audited = (await place.audit()).filter(({ what }) => what === 'erase');
  assert.deepEqual(
    audited.map(({ by, subject, detail }) => [by, subject, detail['actions']]),
    [
      ['Ann Lee', 'tickets/acme/1001', 3],
      ['Ann Lee', 'people', 1],
    ],
  );
  assert.doesNotMatch(JSON.stringify(audited), /Lena/);
});

test('erasing requires an administrator who is in charge of everything', async () => {
  for (const actor of [somebody('operator'), somebody('admin', [link])]) {
    const operator = place.as(actor);
    for (const verb of [
      () => erase(operator, ticket, { dryRun: true }),
      () => answerErasure(operator, randomUUID(), { refuse: true }),
      () => erasureStatus(operator),
    ])
      await assert.rejects(verb, (error: { code: string }) => ['not-allowed', 'out-of-reach'].includes(error.code));
  }
});

test('if the audit cannot be written, nothing is erased', async () => {
  await place.breakAudit();
  const start = await place.dump();
  await assert.rejects(erase(place.as(), ticket));
  assertSame(await place.dump(), start);
});

test('the other gateway of a link is asked once for what passed it, and its answer is kept', async () => {
  await plantPeerLink(db, 'far-link');
  await db.execute(sql`update links set state = 'active' where id = 'far-link'`);
  const mirror = randomUUID();
  await db.execute(
    sql`insert into mirrors (id, link, state, first_instance, first_ticket, second_instance) values (${mirror}, 'far-link', 'closed', 'acme', '1001', 'far-peer')`,
  );
  await db.execute(
    sql`insert into deliveries (mirror, to_instance, seq, kind, action, outcome) values (${mirror}, 'far-peer', 1, 'action', ${ids.escalation}, 'applied')`,
  );
  const { erased, found } = await erase(place.as(), ticket);
  assert.deepEqual(erased?.asked, ['far-link']);
  assert.ok(found.holders.some(({ instance, driven }) => instance === 'acme' && driven));
  assert.deepEqual([...(await erasuresOf('out'))], [{ link: 'far-link', state: 'asked', actions: [ids.escalation] }]);

  const [asked] = await claimErasures(db, 60_000);
  assert.deepEqual(asked?.actions, [ids.escalation]);
  assert.equal((await claimErasures(db, 60_000)).length, 0, 'one worker asks');
  assert.ok(asked);
  await noteAnswer(db, asked, 'waiting', null);
  await noteAnswer(db, asked, 'done', 'Gone.');
  await noteAnswer(db, asked, 'refused', 'No longer.');
  const [kept] = await erasureStatus(place.as());
  assert.deepEqual([kept?.state, kept?.answer], ['done', 'Gone.']);
  // Filled in again by hand, since what the other side has answered is not requested again.
  await db.execute(sql`update actions set note = 'x' where id = ${ids.escalation}`);
  assert.deepEqual((await erase(place.as(), ticket)).erased?.asked, []);
});

const received = (id: string, actions: readonly string[], on = link): Promise<ReceivedErasure> =>
  db.transaction((tx) => receiveErasure(tx, on, id, actions));

test('an erasure that the other side requests waits for somebody, who is notified; it happens when they agree', async () => {
  const id = randomUUID();
  const foreign = randomUUID();
  assert.deepEqual(await received(id, [ids.escalation, ids.lone, foreign]), {
    state: 'waiting',
    answer: null,
    isNew: true,
    actions: 1,
  });
  assert.equal((await received(id, [ids.update])).isNew, false);
  assert.equal(
    (await rows(db, sql`select 1 as one from actions where note is not null`)).length,
    4,
    'nothing is gone yet',
  );
  assert.equal(
    (await rows(db, sql`select 1 as one from notices where cause = ${`erasure/${id}`} and cleared_at is null`)).length,
    1,
  );
  const done = await answerErasure(place.as(), id, { refuse: false, because: 'As you wish.' });
  assert.deepEqual([done.state, done.actions], ['done', 1]);
  assert.deepEqual(await received(id, [ids.escalation]), {
    state: 'done',
    answer: 'As you wish.',
    isNew: false,
    actions: 1,
  });
  assert.equal(
    (await rows(db, sql`select 1 as one from notices where cause = ${`erasure/${id}`} and cleared_at is null`)).length,
    0,
  );
  await assert.rejects(answerErasure(place.as(), id, { refuse: true }), { code: 'answered-already' });
  await assert.rejects(answerErasure(place.as(), randomUUID(), { refuse: true }), { code: 'unknown-erasure' });
  await assert.rejects(answerErasure(place.as(), 'x', { refuse: true }), { code: 'unknown-erasure' });
});

test('an action is named by the other side as its origin calls it, whatever it is called here', async () => {
  const said = randomUUID();
  await db.execute(sql`update actions set said_id = ${said} where id = ${ids.update}`);
  const inside = await received(randomUUID(), [ids.update]);
  assert.deepEqual([inside.state, inside.actions], ['done', 0], 'that id is somebody else’s');
  const id = randomUUID();
  const named = await received(id, [said]);
  assert.deepEqual([named.state, named.actions], ['waiting', 1]);
  assert.equal((await answerErasure(place.as(), id, { refuse: false })).actions, 1);
  assert.equal((await rows(db, sql`select 1 as one from actions where id = ${ids.update} and note is null`)).length, 1);
});

test('the other gateway is asked for an action as its origin calls it', async () => {
  const said = randomUUID();
  await plantPeerLink(db, 'far-link');
  await db.execute(sql`update links set state = 'active' where id = 'far-link'`);
  await db.execute(sql`update actions set said_id = ${said} where id = ${ids.escalation}`);
  await db.transaction((tx) => askErasure(tx, randomUUID(), 'far-link', [ids.escalation, ids.update]));
  const [asked] = await claimErasures(db, 60_000);
  assert.deepEqual(asked?.actions.toSorted(), [said, ids.update].toSorted());
});

test('what is refused stays, and the other side learns why', async () => {
  const id = randomUUID();
  await received(id, [ids.update]);
  await answerErasure(place.as(), id, { refuse: true, because: 'We must keep it.' });
  assert.deepEqual(await received(id, [ids.update]), {
    state: 'refused',
    answer: 'We must keep it.',
    isNew: false,
    actions: 1,
  });
  assert.equal((await rows(db, sql`select note from actions where id = ${ids.update} and note is not null`)).length, 1);
});

test('what is asked for on a link that never had it is done: there is nothing, and nobody is bothered', async () => {
  await plantPeerLink(db, 'far-link');
  assert.equal((await received(randomUUID(), [ids.escalation], 'far-link')).state, 'done');
  assert.equal((await rows(db, sql`select 1 as one from notices where cause like 'erasure/%'`)).length, 0);
});
