// What other gateways and API clients send: order, gaps, duplicates, and into the log exactly once.
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import type { WireAnswer } from '#core/wire.ts';
import { canonicalConstant } from '#core/log/constant.ts';
import { reason } from '#core/words/reasons.ts';
import type { ConstantPart } from '#core/words/vocabulary.ts';
import { rememberUpload } from '#db/exchange/uploads.ts';
import { acme, escalation, far, publicUrl, startReceiveRig, wireOf, type ReceiveRig } from './receive-rig.ts';

const said = (answer: WireAnswer | null): readonly string[] =>
  (answer?.results ?? []).map(({ status, reason: why }) => (why === undefined ? status : `${status} ${why.code}`));

describe('actions from another gateway', () => {
  let rig: ReceiveRig;
  before(async () => {
    rig = await startReceiveRig('receive');
  });
  after(() => rig.close());

  const deliveriesOf = (mirror: string) =>
    rig.all<{ action: string; seq: number; kind: string; escalation: boolean; reason: { code: string } | null }>(
      sql`select action, seq::int as seq, kind, escalation, reason from deliveries where mirror = ${mirror} and to_instance = 'north' order by seq`,
    );

  it('an escalation opens the mirror under its own id, with both lanes, and is delivered to our desk', async () => {
    const action = escalation({ ticket: '1' });
    const answer = await rig.receive({ actions: [action], open: true });
    assert.deepEqual(said(answer), ['accepted']);
    assert.equal(answer?.accepted, 1);
    assert.deepEqual(answer?.wake, ['north']);
    const { id } = action.constant;
    assert.deepEqual(
      await rig.one(
        sql`select state, first_instance as i, first_ticket as t, first_number as n from mirrors where id = ${id}`,
      ),
      { state: 'opening', i: 'acme-peer', t: '1', n: 'AC-1' },
    );
    assert.deepEqual(
      (await deliveriesOf(id)).map((row) => ({ ...row })),
      [{ action: id, seq: 1, kind: 'action', escalation: true, reason: null }],
    );
    const logged = await rig.one<{ origin: string; via: string[]; opening: unknown; signed: string; instance: string }>(
      sql`select origin, via, opening, signed, instance from actions where id = ${id}`,
    );
    assert.equal(logged?.origin, 'acme-peer');
    assert.deepEqual(logged?.via, ['acme-peer']);
    assert.deepEqual(logged?.opening, { summary: 'VPN drops every hour' });
    assert.match(logged?.signed ?? '', /^\{"at":/);
    assert.deepEqual((await rig.all(sql`select to_instance from lanes where mirror = ${id} order by 1`)).length, 2);
  });

  it('the same again is a duplicate, whether it opens or follows, and is delivered once', async () => {
    const first = escalation({ ticket: '2' });
    await rig.receive({ actions: [first], open: true });
    assert.deepEqual(said(await rig.receive({ actions: [first], open: true })), ['duplicate']);
    const mirror = first.constant.id;
    const action = wireOf({ seq: 2 });
    assert.deepEqual(said(await rig.send(mirror, action)), ['accepted']);
    assert.deepEqual(said(await rig.send(mirror, action)), ['duplicate']);
    assert.deepEqual(said(await rig.send(mirror, action, action)), ['duplicate', 'duplicate']);
    assert.equal((await deliveriesOf(mirror)).length, 2);
  });

  it('ten at once with the same action are one delivery', async () => {
    const mirror = await rig.open('3');
    const action = wireOf({ seq: 2 });
    const answers = await Promise.all(Array.from({ length: 10 }, () => rig.send(mirror, action)));
    assert.deepEqual(answers.flatMap(said).toSorted(), ['accepted', ...Array.from({ length: 9 }, () => 'duplicate')]);
    const opening = escalation({ ticket: '3b' });
    const opened = await Promise.all(Array.from({ length: 6 }, () => rig.receive({ actions: [opening], open: true })));
    assert.deepEqual(opened.flatMap(said).toSorted(), ['accepted', ...Array.from({ length: 5 }, () => 'duplicate')]);
  });

  it('the same id with other contents is refused, and what was there stays', async () => {
    const mirror = await rig.open('4');
    const action = wireOf({ seq: 2, note: '<p>one</p>' });
    await rig.send(mirror, action);
    const other = { ...action, constant: { ...action.constant, note: '<p>two</p>' } };
    assert.deepEqual(said(await rig.send(mirror, other)), ['refused constant-differs']);
    const logged = await rig.one(sql`select note from actions where id = ${action.constant.id}`);
    assert.equal(logged?.['note'], '<p>one</p>');
    const opening = escalation({ ticket: '4c' });
    await rig.receive({ actions: [opening], open: true });
    const altered = { ...opening, constant: { ...opening.constant, note: 'x' } };
    assert.deepEqual(said(await rig.receive({ actions: [altered], open: true })), ['refused constant-differs']);
  });

  it('other words or another via of the same action are still the same action', async () => {
    const mirror = await rig.open('5');
    const action = wireOf({ seq: 2 });
    await rig.send(mirror, action);
    assert.deepEqual(said(await rig.send(mirror, { ...action, words: { kind: 'Other', fields: {} }, seq: 9 })), [
      'duplicate',
    ]);
  });

  it('a batch is accepted in order, and a seq that leaves no gap is not treated as one', async () => {
    const mirror = await rig.open('6');
    const batch = [wireOf({ seq: 2 }), wireOf({ seq: 5, after: 2 }), wireOf({ seq: 6 })];
    const answer = await rig.send(mirror, ...batch);
    assert.deepEqual(said(answer), ['accepted', 'accepted', 'accepted']);
    assert.equal(answer.accepted, 6);
    assert.deepEqual(
      (await deliveriesOf(mirror)).slice(1).map(({ action }) => action),
      batch.map(({ constant }) => constant.id),
    );
  });

  it('after a gap everything waits, and continues when the gap is filled', async () => {
    const mirror = await rig.open('7');
    const [two, three, four] = [wireOf({ seq: 2 }), wireOf({ seq: 3 }), wireOf({ seq: 4 })];
    const answer = await rig.send(mirror, three, four);
    assert.deepEqual(said(answer), ['deferred gap']);
    assert.equal(answer.accepted, 1);
    assert.ok((answer.results[0]?.retryAfterMs ?? 0) > 0);
    assert.deepEqual(said(await rig.send(mirror, two, three, four)), ['accepted', 'accepted', 'accepted']);
  });

  it('what is refused leaves no gap before what follows it in the batch', async () => {
    const mirror = await rig.open('8');
    const bad = wireOf({ seq: 2 });
    const answer = await rig.receive({
      mirror,
      actions: [bad, wireOf({ seq: 3 }), wireOf({ seq: 4 })],
      faults: new Map([[0, reason('bad-signature')]]),
    });
    assert.deepEqual(said(answer), ['refused bad-signature', 'accepted', 'accepted']);
    assert.equal(answer?.accepted, 4);
    assert.equal(await rig.one(sql`select 1 as one from actions where id = ${bad.constant.id}`), undefined);
  });

  it('a late one arrives after its seq, is marked as late, and moves nothing back', async () => {
    const mirror = await rig.open('9');
    await rig.send(mirror, wireOf({ seq: 3, after: 1 }), wireOf({ seq: 4 }));
    const late = wireOf({ seq: 2, after: 1, late: true });
    const answer = await rig.send(mirror, late);
    assert.deepEqual(said(answer), ['accepted']);
    assert.equal(answer.accepted, 4);
    const row = await rig.one<{ released: boolean }>(
      sql`select released_at is not null as released from deliveries where action = ${late.constant.id}`,
    );
    assert.equal(row?.released, true);
    assert.deepEqual(said(await rig.send(mirror, late)), ['duplicate']);
  });

  it('what passed here before is refused: the ring ends', async () => {
    const mirror = await rig.open('10');
    const own = `${publicUrl}/i/north`;
    assert.deepEqual(said(await rig.send(mirror, wireOf({ seq: 2, origin: own, via: [own, acme] }))), [
      'refused origin',
    ]);
    assert.deepEqual(said(await rig.send(mirror, wireOf({ seq: 3, after: 1, via: [acme, own, far] }))), [
      'refused origin',
    ]);
  });

  it('what another desk of this gateway wrote, and what comes through it, may arrive here: the hub is not a loop', async () => {
    const mirror = await rig.open('10b');
    const second = `${publicUrl}/i/second`;
    const action = wireOf({
      seq: 2,
      origin: second,
      via: [second, acme],
      kind: 'In other words',
      note: '<p>of ours</p>',
    });
    const { id, at } = action.constant;
    const hash = createHash('sha256')
      .update(canonicalConstant(action.constant as ConstantPart))
      .digest('hex');
    const { db } = rig.connection;
    await db.execute(
      sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, note, words, hash, via)
        values (${id}, 'second', 's1', '7', 'second', ${at}, '{"name":"Ann Agent","role":"agent"}', 'desks', 'visible', '<p>of ours</p>',
          '{"kind":"Said here","fields":{}}', 'by our own names', '{second}')`,
    );
    const sentOn = randomUUID();
    await db.execute(
      sql`insert into deliveries (mirror, to_instance, seq, kind, action, sent_hash) values (${sentOn}, 'acme-peer', 1, 'action', ${id}, ${hash})`,
    );
    const altered = { ...action, constant: { ...action.constant, note: '<p>not of ours</p>' } };
    assert.deepEqual(said(await rig.send(mirror, altered)), ['refused constant-differs']);
    assert.deepEqual(said(await rig.send(mirror, { ...action, seq: 3, after: 1 })), ['accepted']);
    assert.deepEqual(said(await rig.send(mirror, { ...action, seq: 3, after: 1 })), ['duplicate']);
    const row = await rig.one(
      sql`select words->>'kind' as kind, via, outcome from deliveries where action = ${id} and to_instance = 'north'`,
    );
    assert.deepEqual({ ...row }, { kind: 'In other words', via: ['second', 'acme-peer'], outcome: null });
    const never = wireOf({ seq: 4, origin: second, via: [second, acme] });
    await db.execute(
      sql`insert into actions (id, instance, ticket, external_id, origin, at, audience, visibility, hash, via)
        values (${never.constant.id}, 'second', 's1', '8', 'second', now(), 'team', 'hidden', 'never sent', '{second}')`,
    );
    assert.deepEqual(said(await rig.send(mirror, never)), ['refused constant-differs'], 'it never left here');
  });

  describe('of a peer that was restored and has read its desk again', () => {
    const at = '2026-11-22T08:00:00.000Z';

    it('an action with the same ticket, instant, author and text ends as a duplicate, and the peer learns it', async () => {
      const mirror = await rig.open('r20');
      const first = wireOf({ seq: 2, ticket: 'r20', at, note: '<p>Look: <img src="cid:a"></p>' });
      await rig.send(mirror, first);
      const read = wireOf({ seq: 3, ticket: 'r20', at, again: true, note: '<p>Look: <img src="cid:b"></p>' });
      const other = wireOf({ seq: 4, ticket: 'r20', at, again: true, note: '<p>Another.</p>' });
      const answer = await rig.send(mirror, read, other);
      assert.deepEqual(said(answer), ['accepted', 'accepted']);
      assert.deepEqual(answer.wake.toSorted(), ['acme-peer', 'north']);
      assert.deepEqual(
        (await deliveriesOf(mirror)).slice(1).map(({ kind, reason: why }) => [kind, why?.code]),
        [
          ['action', undefined],
          ['copy', 'already-there'],
          ['action', undefined],
        ],
      );
      const told = await rig.all<{ action: string; outcome: string }>(
        sql`select action, receipt->>'outcome' as outcome from deliveries where mirror = ${mirror} and to_instance = 'acme-peer'`,
      );
      assert.deepEqual(
        told.map((row) => ({ ...row })),
        [{ action: read.constant.id, outcome: 'skipped' }],
      );
      assert.deepEqual(said(await rig.send(mirror, read)), ['duplicate']);
    });

    it('the same words twice are two actions where nobody was restored', async () => {
      const mirror = await rig.open('r21');
      const twice = [wireOf({ seq: 2, ticket: 'r21', at }), wireOf({ seq: 3, ticket: 'r21', at })];
      assert.deepEqual(said(await rig.send(mirror, ...twice)), ['accepted', 'accepted']);
      assert.deepEqual(
        (await deliveriesOf(mirror)).map(({ kind }) => kind),
        ['action', 'action', 'action'],
      );
    });

    it('the same escalation under another id opens nothing: the pair goes by that id, and what the peer had goes again', async () => {
      const first = escalation({ ticket: 'r22', at });
      await rig.receive({ actions: [first], open: true });
      const before = first.constant.id;
      const { db } = rig.connection;
      await db.execute(
        sql`update mirrors set state = 'open', second_ticket = 'N22', second_number = 'N22', second_url = 'https://n/22' where id = ${before}`,
      );
      const ours = randomUUID();
      await db.execute(
        sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, words, hash, via)
          values (${ours}, 'north', 'N22', '5', 'north', now(), '{"name":"N","role":"agent"}', 'desks', 'visible', '{"kind":"K","fields":{}}', 'h', '{north}')`,
      );
      await db.execute(
        sql`insert into deliveries (mirror, to_instance, seq, kind, action, accepted_at, outcome) values (${before}, 'acme-peer', 1, 'action', ${ours}, now(), 'applied')`,
      );
      await db.execute(
        sql`update lanes set last_seq = 1, sent_seq = 1, acked_seq = 1 where mirror = ${before} and to_instance = 'acme-peer'`,
      );
      await db.execute(sql`update links set state = 'quarantined' where id = 'acme-north'`);
      const read = escalation({ ticket: 'r22', at, again: true });
      assert.deepEqual(said(await rig.receive({ actions: [read], open: true })), ['deferred link-quarantined']);
      await db.execute(sql`update links set state = 'active' where id = 'acme-north'`);
      const faults = new Map([[0, reason('bad-signature')]]);
      await rig.receive({ actions: [read], open: true, faults });
      assert.notEqual(await rig.one(sql`select id from mirrors where id = ${before}`), undefined, 'not for a forgery');
      assert.deepEqual(said(await rig.receive({ actions: [read], open: true })), ['accepted']);
      const mirror = read.constant.id;
      const found = await rig.all(sql`select id, state, second_ticket as t from mirrors where first_ticket = 'r22'`);
      assert.deepEqual(
        found.map((row) => ({ ...row })),
        [{ id: mirror, state: 'open', t: 'N22' }],
      );
      const lane = await rig.all<{ kind: string; action: string; seq: number; open: boolean }>(
        sql`select kind, action, seq::int as seq, outcome is null as open from deliveries where mirror = ${mirror} and to_instance = 'acme-peer' order by seq`,
      );
      assert.deepEqual(
        lane.map((row) => ({ ...row })),
        [
          { kind: 'receipt', action: mirror, seq: 2, open: true },
          { kind: 'action', action: ours, seq: 3, open: true },
        ],
      );
      assert.deepEqual(said(await rig.send(mirror, wireOf({ seq: 2, ticket: 'r22' }))), ['accepted']);
    });
  });

  it('the sender is in via, even if it leaves itself out', async () => {
    const mirror = await rig.open('11');
    const action = wireOf({ seq: 2, origin: 'https://other.example/i/o', via: ['https://other.example/i/o'] });
    await rig.send(mirror, action);
    const row = await rig.one<{ via: string[]; origin: string }>(
      sql`select via, origin from actions where id = ${action.constant.id}`,
    );
    assert.deepEqual(row, { via: ['https://other.example/i/o', 'acme-peer'], origin: 'https://other.example/i/o' });
  });

  it('an unknown mirror and one of another link are the same: nothing', async () => {
    const mirror = await rig.open('12');
    assert.equal(await rig.receive({ mirror: randomUUID(), actions: [wireOf()] }), null);
    assert.equal(await rig.receive({ link: 'beta-north', mirror, actions: [wireOf()] }), null);
    assert.equal(await rig.receive({ link: 'none', mirror, actions: [wireOf()] }), null);
  });

  it("another link's mirror id opens nothing", async () => {
    const action = escalation({ ticket: '13' });
    await rig.receive({ actions: [action], open: true });
    const stolen = { ...action, constant: { ...action.constant, note: 'mine' } };
    assert.deepEqual(said(await rig.receive({ link: 'beta-north', actions: [stolen], open: true })), [
      'refused constant-differs',
    ]);
  });

  it('a ticket has one live mirror: a second opening is refused, a second escalation is left to our desk', async () => {
    const mirror = await rig.open('14');
    assert.deepEqual(said(await rig.receive({ actions: [escalation({ ticket: '14' })], open: true })), [
      'refused already-escalated',
    ]);
    const again = escalation({ ticket: '14', seq: 2 });
    assert.deepEqual(said(await rig.send(mirror, again)), ['accepted']);
    assert.equal((await deliveriesOf(mirror))[1]?.escalation, true);
    await rig.connection.db.execute(sql`update mirrors set state = 'closed', closed_at = now() where id = ${mirror}`);
    assert.deepEqual(said(await rig.receive({ actions: [escalation({ ticket: '14' })], open: true })), ['accepted']);
  });

  it('two different escalations of one ticket at once open one mirror', async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => rig.receive({ actions: [escalation({ ticket: '15' })], open: true })),
    );
    assert.deepEqual(answers.flatMap(said).toSorted(), [
      'accepted',
      ...Array.from({ length: 5 }, () => 'refused already-escalated'),
    ]);
  });

  it('a seq that another action has quarantines the link: the sender was restored or cloned', async () => {
    const mirror = await rig.open('16');
    const known = wireOf({ seq: 2 });
    await rig.send(mirror, known);
    const answer = await rig.send(mirror, wireOf({ seq: 2 }));
    assert.deepEqual(said(answer), ['deferred seq-taken']);
    assert.equal(answer.accepted, 2);
    assert.equal((await rig.one(sql`select state from links where id = 'acme-north'`))?.['state'], 'quarantined');
    assert.deepEqual(said(await rig.send(mirror, wireOf({ seq: 3 }))), ['deferred link-quarantined']);
    assert.deepEqual(said(await rig.send(mirror, known)), ['duplicate']);
    await rig.connection.db.execute(sql`update links set state = 'active' where id = 'acme-north'`);
  });

  it('an API client that counts wrongly learns the next seq, and its link continues', async () => {
    const own = `${publicUrl}/i/tool`;
    const opening = escalation({ ticket: 't1', origin: own });
    const link = 'tool-north';
    assert.deepEqual(said(await rig.receive({ link, actions: [opening], open: true })), ['accepted']);
    const mirror = opening.constant.id;
    const answer = await rig.receive({
      link,
      mirror,
      actions: [wireOf({ seq: 1, after: 0, origin: own, ticket: 't1' })],
    });
    assert.deepEqual(said(answer), ['refused seq-taken']);
    assert.match(answer?.results[0]?.reason?.text ?? '', /next one is 2/);
    assert.equal((await rig.one(sql`select state from links where id = ${link}`))?.['state'], 'active');
  });

  it('a suspended link defers, a closing one refuses, and both know what they have', async () => {
    const mirror = await rig.open('17');
    const known = wireOf({ seq: 2 });
    await rig.send(mirror, known);
    for (const [state, expected] of [
      ['suspended', 'deferred link-suspended'],
      ['quarantined', 'deferred link-quarantined'],
      ['closing', 'refused link-closed'],
      ['closed', 'refused link-closed'],
    ] as const) {
      await rig.connection.db.execute(sql`update links set state = ${state} where id = 'acme-north'`);
      assert.deepEqual(said(await rig.send(mirror, known, wireOf({ seq: 3 }))), ['duplicate', expected]);
    }
    await rig.connection.db.execute(sql`update links set state = 'active' where id = 'acme-north'`);
  });

  it('a file that has not come defers its action; one of another link is not there', async () => {
    const mirror = await rig.open('18');
    const sha256 = 'ab'.repeat(32);
    const action = wireOf({ seq: 2, files: [{ sha256 }] });
    await rememberUpload(rig.connection.db, 'beta-north', { sha256, sizeBytes: 5, type: null });
    assert.deepEqual(said(await rig.send(mirror, action)), ['deferred attachment-missing']);
    await rememberUpload(rig.connection.db, 'acme-north', { sha256, sizeBytes: 5, type: null });
    assert.deepEqual(said(await rig.send(mirror, action)), ['accepted']);
    const kept = await rig.one(sql`select sha256, id from attachments where action = ${action.constant.id}`);
    assert.deepEqual(kept, { sha256, id: 'f0' });
  });

  it('notes are sanitised for us; the original stays unchanged, so that it can be verified', async () => {
    const mirror = await rig.open('19');
    const action = wireOf({ seq: 2, note: '<p>hi<script>alert(1)</script></p>' });
    await rig.send(mirror, action);
    const row = await rig.one<{ note: string; signed: string }>(
      sql`select note, signed from actions where id = ${action.constant.id}`,
    );
    assert.equal(row?.note, '<p>hi</p>');
    assert.match(row?.signed ?? '', /<script>/);
  });

  it('when both tickets are closed the mirror is, and a reply opens it again', async () => {
    const mirror = await rig.open('20');
    await rig.connection.db.execute(sql`update mirrors set state = 'open', second_ticket = '77' where id = ${mirror}`);
    await rig.connection.db.execute(
      sql`insert into tickets (instance, external_id, snapshot) values ('north', '77', '{"ticketId":"77","closed":true}')`,
    );
    const state = async () => (await rig.one(sql`select state from mirrors where id = ${mirror}`))?.['state'];
    await rig.send(mirror, wireOf({ seq: 2, ticket: '20', closed: true, status: 'Resolved' }));
    assert.equal(await state(), 'closed');
    await rig.send(mirror, wireOf({ seq: 3, ticket: '20', status: 'Open' }));
    assert.equal(await state(), 'open');
    const seen = await rig.one<{ snapshot: { status: string; summary: string } }>(
      sql`select snapshot from tickets where instance = 'acme-peer' and external_id = '20'`,
    );
    assert.equal(seen?.snapshot.status, 'Open');
    assert.equal(seen?.snapshot.summary, 'VPN drops every hour');
  });

  it('the breaker counts what comes from outside', async () => {
    const mirror = await rig.open('21');
    let seq = 1;
    for (let n = 0; n < 14; n += 1) {
      await rig.connection.db.execute(
        sql`update mirrors set turns = turns || ${JSON.stringify([{ at: new Date().toISOString(), to: 'acme-peer' }])}::jsonb where id = ${mirror}`,
      );
      seq += 1;
      await rig.send(mirror, wireOf({ seq }));
    }
    assert.equal(
      (await rig.one(sql`select pause_reason from mirrors where id = ${mirror}`))?.['pause_reason'],
      'ping-pong',
    );
  });

  it('what reached a ticket by another way ends there, visibly, once; to another ticket it comes as well', async () => {
    const mirror = await rig.open('22');
    const opening = escalation({ ticket: '22b' });
    await rig.receive({ link: 'beta-north', actions: [opening], open: true });
    const twice = wireOf({ seq: 2 });
    await rig.send(mirror, twice);
    await rig.receive({ link: 'beta-north', mirror: opening.constant.id, actions: [twice] });
    const [, other] = await deliveriesOf(opening.constant.id);
    assert.equal(other?.kind, 'action', 'two tickets that are not open yet are two');
    await rig.connection.db.execute(
      sql`update mirrors set state = 'open', second_ticket = 'N-22' where id in (${mirror}, ${opening.constant.id})`,
    );
    const action = wireOf({ seq: 3 });
    await rig.send(mirror, action);
    assert.deepEqual(said(await rig.receive({ link: 'beta-north', mirror: opening.constant.id, actions: [action] })), [
      'accepted',
    ]);
    const [, , second] = await deliveriesOf(opening.constant.id);
    assert.equal(second?.kind, 'copy');
    assert.equal(second?.reason?.code, 'already-there');
  });

  it('fifty with words of every kind are one batch', async () => {
    const mirror = await rig.open('23');
    const batch = Array.from({ length: 50 }, (_, n) => ({
      ...wireOf({ seq: n + 2, note: `<p>${'“ünïcode” \\ "quoted" {} '.repeat(20)}${n}</p>` }),
      words: { kind: null, category: null, fields: { a: 1.5, b: true, c: ['x', 'y'], d: null, e: '' } },
    }));
    const answer = await rig.send(mirror, ...batch);
    assert.equal(answer.accepted, 51);
    const words = await rig.one<{ words: unknown }>(
      sql`select words from actions where id = ${batch[49]?.constant.id ?? ''}`,
    );
    assert.deepEqual(words?.words, batch[49]?.words);
    const hashes = await rig.all<{ hash: string }>(sql`select a.hash from actions a where a.instance = 'acme-peer'`);
    assert.ok(hashes.every(({ hash }) => /^[0-9a-f]{64}$/.test(hash)));
  });
});
