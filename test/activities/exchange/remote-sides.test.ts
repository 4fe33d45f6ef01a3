import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { createHttpClient, type OwnedHttpClient } from '#connectors/kit/http.ts';
import type { WireAction } from '#core/wire.ts';
import { inUnitOfWork } from '#db/base/unit-of-work.ts';
import { rows } from '#db/base/client.ts';
import { loadDirectory } from '#db/exchange/directory.ts';
import { receiveActions } from '#db/exchange/receive-actions.ts';
import { createAskOutcomes } from '#activities/exchange/ask-outcome.ts';
import { createRefreshPeers } from '#activities/exchange/refresh-peers.ts';
import { createLightHelpdesk } from '#bench/light-connector.ts';
import { startDesk, type LightDesk } from '#twins/light/server.ts';
import { startHandOver, type HandOverRig } from './hand-over-rig.ts';

const first = '01a00000-0000-7000-8000-0000000000a1';
const second = '01a00000-0000-7000-8000-0000000000a2';
const third = '01a00000-0000-7000-8000-0000000000a3';

describe('what a peer sent, at our desk', () => {
  let rig: HandOverRig;
  let desk: LightDesk;
  let http: OwnedHttpClient;
  before(async () => {
    rig = await startHandOver('remote_sides', { side: 'supplier' });
    desk = await startDesk({ name: 'acme' });
    http = createHttpClient({ allow: { http: true, privateAddresses: ['127.0.0.0/8'] } });
    const helpdesk = createLightHelpdesk({
      instance: 'acme',
      url: desk.url,
      credentials: {},
      options: { settleMs: 300, writeTimeoutMs: 3_000 },
      http,
      take: () => Promise.resolve(),
    });
    rig.deps.desks.of = () => Promise.resolve({ instance: 'acme', name: 'ACME', type: 'rt', version: 1, helpdesk });
    await rig.db.execute(sql`update instances set live_since = now() - interval '1 day'`);
  });
  after(async () => {
    await http.close();
    await desk.close();
    await rig.close();
  });

  const receive = async (actions: readonly WireAction[], open: boolean): Promise<unknown> => {
    const directory = await loadDirectory(rig.db, 'http://ferry.test');
    const taken = await inUnitOfWork(rig.db, (unit) =>
      receiveActions(unit, { link: 'link', from: 'customer', mirror: first, actions, directory, open }),
    );
    return taken?.answer.results.map(({ status }) => status);
  };
  const notes = (): (string | null)[] =>
    [...desk.tickets.values()].flatMap((one) => one.actions.map(({ note }) => note));

  it('is applied in order, and every outcome is reported, with our ticket and times', async () => {
    assert.deepEqual(
      await receive([wire(first, 1, { escalation: { summary: 'VPN', requester: { name: 'Ursula' } } })], true),
      ['accepted'],
    );
    assert.deepEqual(
      await receive([wire(second, 2), wire(third, 3, { words: { kind: 'Note', fields: {} }, note: null })], false),
      ['accepted', 'accepted'],
    );
    await rig.drain('acme');
    assert.equal(desk.tickets.size, 1);
    assert.equal([...desk.tickets.values()][0]?.summary, 'VPN');
    assert.deepEqual(notes(), ['<p>said there</p>']);
    await rig.drain('north');
    assert.deepEqual(
      rig.peer.receipts.map(({ action, outcome, reason }) => [action, outcome, reason.code]),
      [
        [first, 'applied', 'applied-as-is'],
        [second, 'applied', 'applied-as-is'],
        [third, 'skipped', 'no-op'],
      ],
    );
    assert.ok(
      rig.peer.receipts.every(({ origin }) => origin === 'https://far.example/i/acme'),
      'whose they are',
    );
    const [told] = rig.peer.receipts;
    const [ticket] = desk.tickets.keys();
    assert.deepEqual([told?.ticket?.id, told?.ticket?.closed, told?.attempts], [ticket, false, 1]);
    assert.ok(Date.parse(told?.acceptedAt ?? '') <= Date.parse(told?.endedAt ?? ''));
    const ended = await rig.deliveries(first);
    assert.ok(ended.every(({ kind, outcome }) => kind === 'receipt' && outcome === 'applied'));
    await rig.drain('acme');
    assert.equal((await rig.deliveries(first, 'acme')).filter(({ kind }) => kind === 'receipt').length, 0);
  });

  it('is not repeated by a gateway restored to an earlier state: what is in the desk is found first', async () => {
    await rig.db.execute(sql`update links set resumed_at = now()`);
    for (const table of ['deliveries', 'actions', 'mirrors', 'lanes', 'writes', 'written_ids', 'tickets', 'attempts'])
      await rig.db.execute(sql`delete from ${sql.raw(table)}`);
    const before = rig.peer.receipts.length;
    assert.deepEqual(await receive([wire(first, 1, { escalation: { summary: 'VPN' } })], true), ['accepted']);
    assert.deepEqual(await receive([wire(second, 2)], false), ['accepted']);
    await rig.drain('acme');
    await rig.drain('north');
    assert.equal(desk.tickets.size, 1);
    assert.deepEqual(notes(), ['<p>said there</p>']);
    const [ticket] = desk.tickets.keys();
    assert.deepEqual(
      rig.peer.receipts.slice(before).map(({ action, outcome, ticket: told }) => [action, outcome, told?.id]),
      [
        [first, 'applied', ticket],
        [second, 'applied', ticket],
      ],
    );
  });
});

describe('what a peer has and is silent about', () => {
  let rig: HandOverRig;
  before(async () => {
    rig = await startHandOver('ask_outcome');
  });
  after(() => rig.close());

  it('is asked for, each once in a while, and ends as the peer says', async () => {
    const mirror = await rig.escalated();
    const note = await rig.said(mirror, '<p>one</p>');
    await rig.drain();
    const ask = createAskOutcomes(rig.deps, 0);
    const standing = { trace: '', acceptedAt: '2026-11-22T00:00:01.000Z', attempts: 2 };
    const ticket = { id: '77', number: 'NW-77', url: 'https://north.example/77', closed: false };
    rig.peer.script(`actions/${mirror}`, {
      status: 200,
      body: { ...standing, id: mirror, outcome: 'applied', reason: null, endedAt: '2026-11-22T00:00:02.000Z' },
    });
    rig.peer.script(`actions/${note}`, {
      status: 200,
      body: { ...standing, id: note, outcome: null, reason: null, endedAt: null },
    });
    rig.peer.script(`GET /v1/supplier/tickets/${mirror}`, {
      status: 200,
      body: { mirror, state: 'open', ticket, accepted: 2 },
    });
    await ask();
    const questions = rig.peer.asked.filter(({ path }) => path.includes('/actions/'));
    assert.deepEqual(
      questions.map(({ query }) => new URLSearchParams(query).get('origin')),
      ['http://ferry.test/i/acme', 'http://ferry.test/i/acme'],
      'whose action is meant',
    );
    const [opening, waiting] = await rig.deliveries(mirror);
    assert.deepEqual([opening?.outcome, waiting?.outcome], ['applied', null]);
    const [row] = await rows(rig.db, sql`select state, second_number as number, second_url as url from mirrors`);
    assert.deepEqual(row, { state: 'open', number: 'NW-77', url: 'https://north.example/77' });
    const far = await list(rig, sql`select far from deliveries where to_instance = 'north' order by deliveries.seq`);
    assert.deepEqual(far, [
      { far: { acceptedAt: standing.acceptedAt, endedAt: '2026-11-22T00:00:02.000Z', attempts: 2 } },
      { far: { acceptedAt: standing.acceptedAt, endedAt: null, attempts: 2 } },
    ]);
    const [receipt] = await rig.deliveries(mirror, 'acme');
    assert.equal(receipt?.kind, 'receipt');
    const asked = rig.peer.asked.length;
    await createAskOutcomes(rig.deps)();
    assert.equal(rig.peer.asked.length, asked);
  });

  it('quarantines the link where the peer no longer knows it', async () => {
    await createAskOutcomes(rig.deps, 0)();
    assert.deepEqual(await list(rig, sql`select state from links`), [{ state: 'quarantined' }]);
  });
});

describe('the state of a peer', () => {
  let rig: HandOverRig;
  before(async () => {
    rig = await startHandOver('refresh_peers');
  });
  after(() => rig.close());

  it('is asked for by one process a minute; trouble there is announced here, and its end too', async () => {
    const refresh = createRefreshPeers(rig.deps);
    const catalogue = {
      statuses: [{ name: 'Open', closed: false }],
      categories: [],
      types: [],
      priorities: [],
      fields: [],
      kinds: [],
    };
    rig.peer.script('/v1/catalogue', { status: 200, body: catalogue }, { status: 200, body: catalogue });
    await Promise.all([refresh(), refresh()]);
    assert.equal(rig.peer.asked.filter(({ path }) => path === '/v1/link').length, 1);
    const [first] = await rows(rig.db, sql`select catalogue_version as version from instances where id = 'north'`);
    assert.deepEqual(first, { version: 2 });
    rig.peer.state = 'suspended';
    await rig.db.execute(sql`update peers set said_at = null`);
    await refresh();
    const notices = (): Promise<unknown> =>
      list(rig, sql`select cause, cleared_at is not null as cleared from notices where cause like 'peer/%'`);
    assert.deepEqual(await notices(), [{ cause: 'peer/suspended', cleared: false }]);
    const [again] = await rows(rig.db, sql`select catalogue_version as version from instances where id = 'north'`);
    assert.deepEqual(again, { version: 2 });
    rig.peer.state = 'active';
    await rig.db.execute(sql`update peers set said_at = null`);
    await refresh();
    assert.deepEqual(await notices(), [{ cause: 'peer/suspended', cleared: true }]);
  });

  it('is seen within a minute where it had refused our credentials: its courier does not rest any longer', async () => {
    const mirror = await rig.escalated('9');
    rig.peer.script('POST', { status: 401, body: {} }, { status: 401, body: {} });
    const refused = await rig.drain();
    assert.ok('retryAfterMs' in refused && refused.retryAfterMs > 10 * 60_000);
    const woken: string[] = [];
    const refresh = createRefreshPeers({ ...rig.deps, wake: (instances) => void woken.push(...instances) });
    await rig.db.execute(sql`update peers set said_at = null`);
    await refresh();
    assert.deepEqual(woken, ['north']);
    assert.ok(!('retryAfterMs' in (await rig.drain())));
    assert.deepEqual(
      (await rig.deliveries(mirror)).map(({ accepted }) => accepted),
      [true],
    );
  });
});

describe('offering to an API client', () => {
  let rig: HandOverRig;
  before(async () => {
    rig = await startHandOver('offer', { far: 'api' });
  });
  after(() => rig.close());

  it('puts what it can read in order, once, and the lane rests until there is more', async () => {
    const mirror = await rig.escalated();
    await rig.said(mirror, '<p>stays</p>', { kind: 'Internal' });
    await rig.said(mirror, '<p>one</p>');
    assert.deepEqual(await rig.drain(), { more: false });
    const offered = (): Promise<unknown[]> =>
      list(
        rig,
        sql`select (action->>'seq')::int as seq, (action->>'after')::int as after from offers order by position`,
      );
    assert.deepEqual(await offered(), [
      { seq: 1, after: 0 },
      { seq: 3, after: 1 },
    ]);
    assert.deepEqual(
      (await rig.deliveries(mirror)).map(({ accepted, outcome }) => [accepted, outcome]),
      [
        [false, null],
        [false, 'skipped'],
        [false, null],
      ],
    );
    assert.equal((await rig.lane(mirror)).due, false);
    await rig.said(mirror, '<p>two</p>');
    assert.equal((await rig.lane(mirror)).due, true);
    await rig.drain();
    await rig.drain();
    assert.deepEqual((await offered()).at(-1), { seq: 4, after: 3 });
    assert.equal((await offered()).length, 3);
  });
});

/** The driver's own kind of array is not the same as one. */
async function list(rig: HandOverRig, query: ReturnType<typeof sql>): Promise<unknown[]> {
  return [...(await rows(rig.db, query))];
}

function wire(id: string, seq: number, more: Partial<WireAction> & { readonly note?: string | null } = {}): WireAction {
  const { note = '<p>said there</p>', ...rest } = more;
  return {
    seq,
    after: seq - 1,
    constant: {
      id,
      origin: 'https://far.example/i/acme',
      author: { name: 'Petra', role: 'agent' },
      at: new Date(Date.now() - 60_000).toISOString(),
      audience: 'desks',
      note,
      attachments: [],
    },
    words: { kind: 'Note', fields: {} },
    via: ['https://far.example/i/acme'],
    mailed: false,
    drops: [],
    trace: 'ab'.repeat(16),
    late: false,
    again: false,
    ticket: { id: '5', number: 'F-5', url: 'https://far.example/5', closed: false },
    ...rest,
  };
}
