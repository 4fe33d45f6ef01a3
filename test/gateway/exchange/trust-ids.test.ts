// Ids of several organisations at one gateway: what one sends can neither replace nor block what another sends.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { wireAnswer, type WireAction } from '#core/wire.ts';
import { rows } from '#db/base/client.ts';
import { addLinkRows, escalation, wireOf, type Wanted } from '#test/db/exchange/receive-rig.ts';
import { newOrigin, signedBy, startApiRig, type ApiRig, type Origin, type Reply } from './api-rig.ts';

const said = (reply: Reply): readonly string[] => {
  assert.equal(reply.status, 200, reply.text);
  return wireAnswer
    .parse(reply.body)
    .results.map(({ status, reason: why }) => (why === undefined ? status : `${status} ${why.code}`));
};

describe('ids are each origin’s own, and mirrors each link’s', () => {
  let rig: ApiRig;
  before(async () => {
    rig = await startApiRig('trust-ids');
    await addLinkRows(rig.connection, 'acme-north-2', 'acme-peer', 'north');
  });
  after(() => rig.close());

  const all = async <Row extends Record<string, unknown>>(query: ReturnType<typeof sql>): Promise<readonly Row[]> => [
    ...(await rows<Row>(rig.connection.db, query)),
  ];
  const sign = async (action: WireAction, by: Origin, vouch = false): Promise<WireAction> => ({
    ...(await signedBy(action, by)),
    ...(vouch ? { key: by.public as NonNullable<WireAction['key']> } : {}),
  });
  const escalate = async (link: string, action: WireAction): Promise<Reply> =>
    rig.call('POST', '/v1/supplier/tickets', { token: await rig.token(link, 'customer'), json: { action } });
  const post = async (link: string, mirror: string, ...actions: WireAction[]): Promise<Reply> =>
    rig.call('POST', `/v1/supplier/tickets/${mirror}/actions`, {
      token: await rig.token(link, 'customer'),
      json: { actions },
    });
  /** Opens a mirror on the link, by whose customer it is. */
  const open = async (link: string, by: Origin, wanted: Wanted): Promise<string> => {
    const action = await sign(escalation({ origin: by.issuer, ...wanted }), by);
    assert.deepEqual(said(await escalate(link, action)), ['accepted']);
    return action.constant.id;
  };
  const stored = (
    id: string,
  ): Promise<readonly { origin: string; note: string; kind: string; outcome: string | null }[]> =>
    all(sql`select a.origin, a.note, d.kind, d.outcome from actions a join deliveries d on d.action = a.id and d.to_instance = 'north'
      where a.id = ${id} or a.said_id = ${id} order by a.origin, d.mirror`);

  it('an id that somebody else has used before with other contents does not make us refuse its origin', async () => {
    const { acme, beta } = rig.origins;
    const [ours, theirs] = [
      await open('acme-north', acme, { ticket: 'a1' }),
      await open('beta-north', beta, { ticket: 'b1' }),
    ];
    const genuine = await sign(wireOf({ ticket: 'a1', note: '<p>genuine</p>' }), acme);
    const { id } = genuine.constant;
    const squat = await sign(wireOf({ id, ticket: 'b1', origin: beta.issuer, note: '<p>squatter</p>' }), beta);
    assert.deepEqual(said(await post('beta-north', theirs, squat)), ['accepted']);
    assert.deepEqual(said(await post('acme-north', ours, genuine)), ['accepted']);
    assert.deepEqual(said(await post('acme-north', ours, genuine)), ['duplicate']);
    assert.deepEqual(said(await post('beta-north', theirs, squat)), ['duplicate']);
    assert.deepEqual(
      (await stored(id)).map(({ origin, note, kind, outcome }) => ({ origin, note, kind, outcome })),
      [
        { origin: 'acme-peer', note: '<p>genuine</p>', kind: 'action', outcome: null },
        { origin: 'beta-peer', note: '<p>squatter</p>', kind: 'action', outcome: null },
      ],
    );
    const standing = async (link: string, mirror: string): Promise<unknown> =>
      (
        await rig.call('GET', `/v1/supplier/tickets/${mirror}/actions/${id}`, {
          token: await rig.token(link, 'customer'),
        })
      ).body['id'];
    assert.deepEqual([await standing('acme-north', ours), await standing('beta-north', theirs)], [id, id]);
    const other = await sign({ ...genuine, seq: 3, after: 2, constant: { ...genuine.constant, note: 'other' } }, acme);
    assert.deepEqual(said(await post('acme-north', ours, other)), ['refused constant-differs']);
  });

  it('a caller that only claims an origin learns nothing of the ids that the origin has used on other links', async () => {
    const { acme, beta } = rig.origins;
    const ours = await open('acme-north', acme, { ticket: 'a2' });
    const theirs = await open('beta-north', beta, { ticket: 'b2' });
    const genuine = await sign(wireOf({ ticket: 'a2' }), acme);
    assert.deepEqual(said(await post('acme-north', ours, genuine)), ['accepted']);
    const probe = async (id: string): Promise<readonly string[]> =>
      said(
        await post('beta-north', theirs, {
          ...(await sign(wireOf({ id, ticket: 'b2', origin: acme.issuer, note: 'probe' }), beta)),
        }),
      );
    assert.deepEqual(await probe(genuine.constant.id), await probe(crypto.randomUUID()));
  });

  it('a stranger’s id that one link vouched for is not in the way of what another link, or the stranger itself, says under it', async () => {
    const stranger = await newOrigin('https://bank.example/i/desk');
    const forger = await newOrigin(stranger.issuer);
    const { acme, beta } = rig.origins;
    const ours = await open('acme-north', acme, { ticket: 'a3' });
    const theirs = await open('beta-north', beta, { ticket: 'b3' });
    const forged = await sign(wireOf({ ticket: 'b3', origin: stranger.issuer, note: 'forged' }), forger, true);
    assert.deepEqual(said(await post('beta-north', theirs, forged)), ['accepted']);
    rig.keySets?.set(stranger.issuer, [stranger.public]);
    const genuine = await sign(
      wireOf({ id: forged.constant.id, ticket: 'a3', origin: stranger.issuer, note: 'genuine' }),
      stranger,
      true,
    );
    assert.deepEqual(said(await post('acme-north', ours, genuine)), ['accepted']);
    assert.deepEqual(
      (await stored(forged.constant.id))
        .map(({ note, outcome }) => ({ note, outcome }))
        .toSorted((a, b) => (a.note < b.note ? -1 : 1)),
      [
        { note: 'forged', outcome: null },
        { note: 'genuine', outcome: null },
      ],
    );
  });

  it('two origins that use one id in one batch each keep their own action', async () => {
    const { acme } = rig.origins;
    const mirror = await open('acme-north', acme, { ticket: 'a4' });
    const stranger = await newOrigin('https://same.example/i/same');
    const first = await sign(wireOf({ ticket: 'a4', note: 'mine', seq: 2 }), acme);
    const second = await sign(
      wireOf({ id: first.constant.id, ticket: 'a4', origin: stranger.issuer, note: 'theirs', seq: 3 }),
      stranger,
      true,
    );
    assert.deepEqual(said(await post('acme-north', mirror, first, second)), ['accepted', 'deferred gap']);
    assert.deepEqual(said(await post('acme-north', mirror, second)), ['accepted']);
    const { id } = first.constant;
    await rig.connection.sql`update deliveries d set outcome = 'refused', ended_at = now() from actions a
      where a.id = d.action and a.said_id = ${id} and d.to_instance = 'north'`;
    const outcome = async (query: string): Promise<unknown> => {
      const token = await rig.token('acme-north', 'customer');
      const { status, body } = await rig.call('GET', `/v1/supplier/tickets/${mirror}/actions/${id}${query}`, { token });
      return status === 200 ? [body['id'], body['outcome']] : status;
    };
    const of = (origin: string): string => `?origin=${encodeURIComponent(origin)}`;
    assert.deepEqual(await outcome(of(acme.issuer)), [id, null]);
    assert.deepEqual(await outcome(of(stranger.issuer)), [id, 'refused']);
    assert.deepEqual(await outcome(''), [id, null], 'the first, as always');
    assert.equal(await outcome(of('https://nobody.example/i/nobody')), 404);
    assert.equal(await outcome('?origin=nobody'), 422);
    assert.deepEqual(
      (await stored(first.constant.id)).map(({ origin, note }) => [origin, note]),
      [
        ['acme-peer', 'mine'],
        [stranger.issuer, 'theirs'],
      ],
    );
  });

  it('the same escalation on two links of one gateway opens a ticket on each, and both continue under its id', async () => {
    const { acme } = rig.origins;
    const action = await sign(escalation({ ticket: 'a5' }), acme);
    const { id } = action.constant;
    assert.deepEqual(said(await escalate('acme-north', action)), ['accepted']);
    assert.deepEqual(said(await escalate('acme-north-2', action)), ['accepted']);
    assert.deepEqual(said(await escalate('acme-north-2', action)), ['duplicate']);
    const next = await sign(wireOf({ ticket: 'a5' }), acme);
    for (const link of ['acme-north', 'acme-north-2']) {
      assert.deepEqual(said(await post(link, id, next)), ['accepted'], link);
      const token = await rig.token(link, 'customer');
      const ticket = await rig.call('GET', `/v1/supplier/tickets/${id}`, { token });
      assert.deepEqual([ticket.body['mirror'], ticket.body['accepted']], [id, 2], link);
      const lanes = await rig.call('GET', '/v1/supplier/lanes', { token });
      assert.match(lanes.text, new RegExp(`"mirror":"${id}","accepted":2`), link);
    }
    assert.deepEqual(
      (await stored(id)).map(({ kind, outcome }) => [kind, outcome]),
      [
        ['action', null],
        ['action', null],
      ],
      'two tickets, twice',
    );
    const opens =
      await all(sql`select coalesce(m.said_id, m.id) as said, coalesce(m.opened_by, m.id) as opened from mirrors m
      where m.first_ticket = 'a5'`);
    assert.deepEqual(opens, [
      { said: id, opened: id },
      { said: id, opened: id },
    ]);
  });

  it('another organisation’s escalation under the same id opens its own ticket', async () => {
    const { acme, beta } = rig.origins;
    const first = await open('beta-north', beta, { ticket: 'b6' });
    const second = await open('acme-north', acme, { ticket: 'a6', id: first });
    assert.equal(second, first);
    const next = await sign(wireOf({ ticket: 'a6' }), acme);
    assert.deepEqual(said(await post('acme-north', first, next)), ['accepted']);
    const foreign = await rig.call('GET', `/v1/supplier/tickets/${first}/actions/${next.constant.id}`, {
      token: await rig.token('beta-north', 'customer'),
    });
    assert.equal(foreign.status, 404);
  });

  it('what a relay delivers to its own ticket does not keep the origin from delivering it to another', async () => {
    const { acme, beta } = rig.origins;
    const ours = await open('acme-north', acme, { ticket: 'a7' });
    const theirs = await open('beta-north', beta, { ticket: 'b7' });
    const genuine = await sign(wireOf({ ticket: 'a7' }), acme);
    const via = [acme.issuer, beta.issuer];
    const relayed = { ...genuine, via, ticket: (await sign(wireOf({ ticket: 'b7' }), beta)).ticket };
    assert.deepEqual(said(await post('beta-north', theirs, relayed)), ['accepted']);
    assert.deepEqual(said(await post('acme-north', ours, genuine)), ['accepted']);
    assert.deepEqual(
      (await stored(genuine.constant.id)).map(({ kind, outcome }) => [kind, outcome]),
      [
        ['action', null],
        ['action', null],
      ],
    );
  });

  it('to one ticket it comes once: the origin’s own word where a relay’s has not begun, else what was there first', async () => {
    const { acme, beta } = rig.origins;
    const ours = await open('acme-north', acme, { ticket: 'a8' });
    const theirs = await open('beta-north', beta, { ticket: 'b8' });
    await rig.connection.sql`update mirrors set state = 'open', second_ticket = 'N-8' where id in (${ours}, ${theirs})`;
    const kinds = async (id: string): Promise<unknown> =>
      all(sql`select m.link, d.kind, d.outcome, d.reason->>'code' as why from deliveries d join mirrors m on m.id = d.mirror
        where d.action = ${id} and d.to_instance = 'north' order by m.link`);
    const relayed = async (action: WireAction, seq: number): Promise<WireAction> => ({
      ...action,
      seq,
      after: seq - 1,
      via: [acme.issuer, beta.issuer],
      ticket: wireOf({ ticket: 'b8' }).ticket,
    });
    const first = await sign(wireOf({ ticket: 'a8' }), acme);
    assert.deepEqual(said(await post('beta-north', theirs, await relayed(first, 2))), ['accepted']);
    assert.deepEqual(said(await post('acme-north', ours, first)), ['accepted']);
    assert.deepEqual(await kinds(first.constant.id), [
      { link: 'acme-north', kind: 'action', outcome: null, why: null },
      { link: 'beta-north', kind: 'copy', outcome: 'skipped', why: 'already-there' },
    ]);
    const second = await sign(wireOf({ ticket: 'a8', seq: 3 }), acme);
    assert.deepEqual(said(await post('acme-north', ours, second)), ['accepted']);
    assert.deepEqual(said(await post('beta-north', theirs, await relayed(second, 3))), ['accepted']);
    assert.deepEqual(await kinds(second.constant.id), [
      { link: 'acme-north', kind: 'action', outcome: null, why: null },
      { link: 'beta-north', kind: 'copy', outcome: 'skipped', why: 'already-there' },
    ]);
    // What was refused from a relay leaves no trace.
    const third = await sign(wireOf({ ticket: 'a8', seq: 4 }), acme);
    assert.deepEqual(said(await post('beta-north', theirs, await relayed(third, 4))), ['accepted']);
    await rig.connection
      .sql`update deliveries set outcome = 'refused', ended_at = now() where action = ${third.constant.id}`;
    assert.deepEqual(said(await post('acme-north', ours, third)), ['accepted']);
    assert.deepEqual(await kinds(third.constant.id), [
      { link: 'acme-north', kind: 'action', outcome: null, why: null },
      { link: 'beta-north', kind: 'action', outcome: 'refused', why: null },
    ]);
  });
});
