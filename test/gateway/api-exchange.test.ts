// What the API accepts and answers: results, signatures, order, and only after the commit.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { wireAnswer, wireStanding, type WireAction } from '#core/wire.ts';
import { answerSchema, catalogueSchema, instanceSchema, lanesSchema, mirrorSchema } from '#gateway/exchange/schemas.ts';
import { rows } from '#db/base/client.ts';
import { escalation, receiptOf, wireOf } from '#test/db/exchange/receive-rig.ts';
import { newOrigin, signedBy, startApiRig, type ApiRig, type Reply } from './api-rig.ts';
import { until } from '#test/support/wait.ts';

const said = (reply: Reply): readonly string[] => {
  assert.equal(reply.status, 200, reply.text);
  return wireAnswer
    .parse(reply.body)
    .results.map(({ status, reason: why }) => (why === undefined ? status : `${status} ${why.code}`));
};

describe('the supplier and customer API', () => {
  let rig: ApiRig;
  before(async () => {
    rig = await startApiRig('api');
  });
  after(() => rig.close());

  const post = (mirror: string, ...actions: WireAction[]): Promise<Reply> =>
    rig.call('POST', `/v1/supplier/tickets/${mirror}/actions`, { json: { actions } });
  const escalate = (action: WireAction, query = ''): Promise<Reply> =>
    rig.call('POST', `/v1/supplier/tickets${query}`, { json: { action } });
  const count = async (table: string): Promise<number> =>
    (await rows<{ n: number }>(rig.connection.db, sql`select count(*)::int as n from ${sql.raw(table)}`))[0]?.n ?? -1;

  it('accepts an escalation and what follows, answers with what was stored, and wakes our desk', async () => {
    rig.woken.length = 0;
    const mirror = await rig.openMirror('1');
    assert.deepEqual(rig.woken, ['north']);
    const action = await rig.signed({ ticket: '1' });
    const reply = await post(mirror, action);
    assert.deepEqual(said(reply), ['accepted']);
    assert.equal(reply.body['accepted'], 2);
    assert.deepEqual(said(await post(mirror, action)), ['duplicate']);
    const standing = await rig.call('GET', `/v1/supplier/tickets/${mirror}/actions/${action.constant.id}`);
    const { id, outcome, trace } = wireStanding.parse(standing.body);
    assert.deepEqual({ id, outcome, trace }, { id: action.constant.id, outcome: null, trace: action.trace });
    assert.deepEqual(mirrorSchema.parse((await rig.call('GET', `/v1/supplier/tickets/${mirror}`)).body), {
      mirror,
      state: 'opening',
      ticket: null,
      accepted: 2,
    });
  });

  it('an escalation that is sent again is a duplicate; with other contents it is 409', async () => {
    const action = await rig.escalation({ ticket: '2' });
    assert.deepEqual(said(await escalate(action)), ['accepted']);
    assert.deepEqual(said(await escalate(action)), ['duplicate']);
    const other = await signedBy({ ...action, constant: { ...action.constant, note: 'other' } }, rig.origins.acme);
    const reply = await escalate(other);
    assert.equal(reply.status, 409);
    assert.equal(reply.body['type'], 'urn:ferry:problem:constant-differs');
    assert.equal(reply.headers.get('content-type'), 'application/problem+json');
  });

  it('reports who answers, what it offers on this link, and nothing else about the desk', async () => {
    const instance = instanceSchema.parse((await rig.call('GET', '/v1/instance')).body);
    assert.equal(instance.issuer, `${rig.url}/i/north`);
    assert.equal(instance.caller, rig.origins.acme.issuer);
    const reply = await rig.call('GET', '/v1/catalogue');
    const found = catalogueSchema.parse(reply.body);
    assert.deepEqual(
      found.kinds.map(({ name }) => name),
      ['Correspond'],
    );
    assert.deepEqual(found.fields, []);
    assert.doesNotMatch(reply.text, /secret|Internal|Comment/);
  });

  it('lists lanes page by page', async () => {
    const seen: string[] = [];
    for (let after: string | null = ''; after !== null;) {
      const reply = await rig.call('GET', `/v1/supplier/lanes?limit=1${after === '' ? '' : `&after=${after}`}`);
      const page = lanesSchema.parse(reply.body);
      seen.push(...page.lanes.map(({ mirror }) => mirror));
      after = page.next;
    }
    assert.ok(seen.length >= 2);
    assert.equal(new Set(seen).size, seen.length);
  });

  it('accepts receipts for what our desk has sent, once', async () => {
    const token = await rig.token('north-far', 'supplier');
    const id = randomUUID();
    const { db } = rig.connection;
    await db.execute(
      sql`insert into mirrors (id, link, first_instance, first_ticket, second_instance) values (${id}, 'north-far', 'north', 'r1', 'far-peer')`,
    );
    await db.execute(
      sql`insert into lanes (mirror, to_instance, link, last_seq) values (${id}, 'far-peer', 'north-far', 1), (${id}, 'north', 'north-far', 0)`,
    );
    await db.execute(sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, words, hash, via)
      values (${id}, 'north', 'r1', 'r1', 'north', now(), '{"name":"Ann","role":"agent"}', 'desks', 'visible', '{"kind":"Escalate","fields":{}}', 'x', '{north}')`);
    await db.execute(
      sql`insert into deliveries (mirror, to_instance, seq, kind, action, escalation, accepted_at) values (${id}, 'far-peer', 1, 'action', ${id}, true, now())`,
    );
    const receipt = receiptOf(id, 1, { ticket: { id: '9', number: 'F-9', url: '', closed: false } });
    const tell = (): Promise<Reply> =>
      rig.call('POST', `/v1/customer/tickets/${id}/receipts`, { token, json: { receipts: [receipt] } });
    assert.deepEqual(said(await tell()), ['accepted']);
    assert.deepEqual(said(await tell()), ['duplicate']);
  });

  describe('signatures', () => {
    let mirror: string;
    let seq = 1;
    before(async () => {
      mirror = await rig.openMirror('sig');
    });
    const next = (): { readonly seq: number; readonly after: number; readonly ticket: string } => {
      seq += 1;
      return { seq, after: 1, ticket: 'sig' };
    };

    it('a gateway signs everything it sends: what is unsigned, or signed by another, is refused', async () => {
      const mine = rig.origins.acme;
      const other = await newOrigin(mine.issuer);
      const good = wireOf({ ...next() });
      const altered = await signedBy(good, mine);
      for (const [what, action] of [
        ['unsigned', good],
        ['altered', { ...altered, constant: { ...altered.constant, note: 'another note' } }],
        ['another key of that name', await signedBy(good, { ...other, kid: mine.kid })],
        ['an unknown key', await signedBy(good, other)],
        ['an unknown key that it vouches for itself', { ...(await signedBy(good, other)), key: other.public }],
        ['another issuer', await signedBy(good, mine, { iss: rig.origins.beta.issuer })],
        ['another type', await signedBy(good, mine, { typ: 'JWT' })],
        ['garbage', { ...good, signature: 'abc..def' }],
      ] as const) {
        assert.deepEqual(said(await post(mirror, action as WireAction)), ['refused bad-signature'], what);
      }
      assert.deepEqual(said(await post(mirror, altered)), ['accepted']);
    });

    it('an unknown key of a peer is looked up in its own key set, seldom; while that is away, the action waits', async () => {
      const renewed = await newOrigin(rig.origins.beta.issuer);
      const token = await rig.token('beta-north', 'customer');
      const opening = await signedBy(escalation({ ticket: 'b', origin: renewed.issuer }), renewed);
      const call = (): Promise<Reply> => rig.call('POST', '/v1/supplier/tickets', { token, json: { action: opening } });
      const sets = rig.keySets;
      rig.keySets = null;
      const away = await call();
      assert.equal(away.status, 503);
      assert.equal(away.body['type'], 'urn:ferry:problem:keys-unavailable');
      assert.ok(away.headers.get('retry-after'));
      rig.keySets = sets;
      const before = rig.fetched.length;
      await call();
      await call();
      assert.equal(rig.fetched.length, before, 'it is not asked again at once');
    });

    it('a peer may vouch for an origin that nobody knows, and then that key is the one', async () => {
      const stranger = await newOrigin('https://stranger.example/i/s');
      const via = [stranger.issuer, rig.origins.acme.issuer];
      const first = { ...(await rig.signed({ ...next(), via }, stranger)), key: stranger.public as WireAction['key'] };
      assert.deepEqual(said(await post(mirror, first as WireAction)), ['accepted']);
      assert.deepEqual(said(await post(mirror, await rig.signed({ ...next(), via }, stranger))), ['accepted']);
      const impostor = { ...(await newOrigin(stranger.issuer)), kid: stranger.kid };
      const forged = { ...(await rig.signed({ ...next(), via }, impostor)), key: impostor.public as WireAction['key'] };
      assert.deepEqual(said(await post(mirror, forged as WireAction)), ['refused bad-signature']);
      const token = await rig.token('beta-north', 'customer');
      const another = await newOrigin(stranger.issuer);
      const opening = await signedBy(escalation({ ticket: 'v', origin: stranger.issuer }), another);
      const reply = await rig.call('POST', '/v1/supplier/tickets', {
        token,
        json: { action: { ...opening, key: another.public } },
      });
      assert.deepEqual(said(reply), ['refused bad-signature'], 'another link gives that origin no second key');
    });

    it('nobody can vouch for words attributed to one of our own desks', async () => {
      const forger = await newOrigin(`${rig.url}/i/second`);
      const via = [forger.issuer, rig.origins.acme.issuer];
      const forged = { ...(await rig.signed({ ...next(), via }, forger)), key: forger.public as WireAction['key'] };
      assert.deepEqual(said(await post(mirror, forged as WireAction)), ['refused bad-signature']);
    });

    it('a tool without a gateway speaks unsigned, but only for itself', async () => {
      const token = await rig.token('tool-north', 'customer');
      const own = `${rig.url}/i/tool`;
      const call = (action: WireAction): Promise<Reply> =>
        rig.call('POST', '/v1/supplier/tickets', { token, json: { action } });
      assert.deepEqual(said(await call(escalation({ ticket: 't', origin: rig.origins.acme.issuer }))), [
        'refused bad-signature',
      ]);
      assert.deepEqual(said(await call(escalation({ ticket: 't', origin: `${rig.url}/i/north` }))), [
        'refused bad-signature',
      ]);
      assert.deepEqual(said(await call(escalation({ ticket: 't', origin: own }))), ['accepted']);
    });
  });

  it('a dry run says what our desk would make of it, and nothing is stored or woken', async () => {
    const tables = ['actions', 'deliveries', 'mirrors', 'lanes', 'tickets', 'attachments', 'notices', 'origin_keys'];
    const before = await Promise.all(tables.map(count));
    rig.woken.length = 0;
    const reply = await escalate(await rig.escalation({ ticket: 'dry' }), '?dryRun=true');
    const answer = answerSchema.parse(reply.body);
    assert.equal(answer.results[0]?.status, 'accepted');
    assert.equal(answer.decisions?.[0]?.verdict, 'apply');
    const mirror = (
      await rows<{ id: string }>(rig.connection.db, sql`select id from mirrors where first_ticket = '1'`)
    )[0]?.id;
    const again = await rig.call('POST', `/v1/supplier/tickets/${mirror}/actions?dryRun=true`, {
      json: { actions: [await rig.signed({ seq: 3, ticket: '1' })] },
    });
    assert.equal(answerSchema.parse(again.body).decisions?.[0]?.reason?.code, 'dead-head');
    assert.deepEqual(await Promise.all(tables.map(count)), before);
    assert.deepEqual(rig.woken, []);
    const real = await escalate(await rig.escalation({ ticket: 'dry' }));
    assert.deepEqual(said(real), ['accepted']);
    assert.equal(real.body['decisions'], undefined);
  });

  it('an answer that is lost after the commit is a duplicate on the next try', async () => {
    const mirror = await rig.openMirror('cut');
    const action = await rig.signed({ ticket: 'cut' });
    const controller = new AbortController();
    const stored = async (): Promise<boolean> =>
      (await rows(rig.connection.db, sql`select 1 as one from actions where id = ${action.constant.id}`)).length > 0;
    const lost = fetch(`${rig.url}/v1/supplier/tickets/${mirror}/actions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await rig.token('acme-north', 'customer')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ actions: [action] }),
      signal: controller.signal,
    }).catch(() => null);
    await until(stored, { what: 'the commit', everyMs: 1 });
    controller.abort();
    await lost;
    assert.deepEqual(said(await post(mirror, action)), ['duplicate']);
  });
});
