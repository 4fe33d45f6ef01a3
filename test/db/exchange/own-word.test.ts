// The origin delivers to a ticket what a relay has delivered too, while the relay's copy is just being started: in the
// end it is there once.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import type { WireAction, WireAnswer } from '#core/wire.ts';
import type { Directory } from '#core/words/directory.ts';
import { must } from '#core/words/must.ts';
import { reason } from '#core/words/reasons.ts';
import type { Outcome, Reason } from '#core/words/vocabulary.ts';
import type { Tx } from '#db/base/client.ts';
import { inUnitOfWork, type UnitOfWork } from '#db/base/unit-of-work.ts';
import { createPromises } from '#db/carry/promise-writes.ts';
import { contextOfAction } from '#db/carry/delivery-context.ts';
import { endDelivery } from '#db/carry/outcome.ts';
import { promiseWrite, type Promised, type PromiseInput } from '#db/carry/writes.ts';
import { loadDirectory } from '#db/exchange/directory.ts';
import { receiveActions, type ReceiveActions } from '#db/exchange/receive-actions.ts';
import { closeLink } from '#db/links/link-close.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { lockDelivery, skipDelivery } from '#db/operate/operate.ts';
import { transact } from '#gateway/exchange/transact.ts';
import { until } from '#test/support/wait.ts';
import { acme, escalation, publicUrl, startReceiveRig, wireOf, type ReceiveRig } from './receive-rig.ts';

const beta = 'https://beta.example/i/beta';
const statuses = (received: { readonly answer: WireAnswer } | null): readonly string[] =>
  (received?.answer.results ?? []).map(({ status }) => status);

describe('the origin’s own word, while what a relay brought is just being begun', () => {
  let rig: ReceiveRig;
  let own: string;
  let relays: string;
  let seq = 1;
  let ticket = 0;
  let directory: Directory;
  before(async () => {
    rig = await startReceiveRig('own-word');
    directory = await loadDirectory(rig.connection.db, publicUrl);
    await rig.connection.sql`update couriers set epoch = 7 where instance = 'north'`;
  });
  after(() => rig.close());
  beforeEach(async () => {
    ticket += 1;
    seq = 1;
    own = await rig.open(`own-${ticket}`);
    const opening = escalation({ ticket: `relay-${ticket}`, origin: beta });
    await rig.receive({ link: 'beta-north', actions: [opening], open: true });
    relays = opening.constant.id;
    await rig.connection
      .sql`update mirrors set state = 'open', second_ticket = ${`N-${ticket}`} where id in (${own}, ${relays})`;
  });

  const inputOf = (action: WireAction, way: 'own' | 'relay'): ReceiveActions => ({
    ...{ from: 'customer', open: false, directory },
    ...(way === 'own'
      ? { link: 'acme-north', mirror: own, actions: [action] }
      : {
          ...{ link: 'beta-north', mirror: relays },
          actions: [{ ...action, via: [acme, beta], ticket: wireOf({ ticket: `relay-${ticket}` }).ticket }],
        }),
  });
  const receive = (unit: UnitOfWork, action: WireAction, way: 'own' | 'relay') =>
    receiveActions(unit, inputOf(action, way));
  const comes = (action: WireAction, way: 'own' | 'relay') =>
    inUnitOfWork(rig.connection.db, (unit) => receive(unit, action, way));
  const next = (): WireAction => {
    seq += 1;
    return wireOf({ ticket: `own-${ticket}`, seq });
  };
  const waits = async (action: WireAction): Promise<string> => {
    const found = await rig.one<{ id: string }>(
      sql`select id from deliveries where action = ${action.constant.id} and mirror = ${relays} and to_instance = 'north'`,
    );
    return must(found?.id, 'the delivery of what the relay brought');
  };
  const promiseOf = (delivery: string): PromiseInput => ({
    ...{ delivery, step: 0, instance: 'north', entity: 'ticket', epoch: 7, ticket: `N-${ticket}` },
    ...{ marker: delivery, fingerprints: [], plan: null, timeoutMs: 5_000 },
  });
  const kinds = async (action: WireAction): Promise<unknown> =>
    rig.all(sql`select case when d.mirror = ${own} then 'own' else 'relay' end as way, d.kind, d.outcome from deliveries d
      where d.action = ${action.constant.id} and d.to_instance = 'north' and d.mirror in (${own}, ${relays}) order by 1`);
  const promises = async (delivery: string): Promise<number> =>
    (await rig.all(sql`select 1 as one from writes where delivery = ${delivery}`)).length;
  const somebodyWaits = (): Promise<unknown> =>
    until(
      async () =>
        (await rig.one(
          sql`select 1 as one from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        )) !== undefined,
      { what: 'somebody to wait for a lock' },
    );
  /** Does `first` in a transaction and `second` before that is committed: once `second` waits for it, or has its answer. */
  const between = async <First, Second>(
    first: (unit: UnitOfWork) => Promise<First>,
    second: () => Promise<Second>,
    meanwhile: 'waits' | 'answers',
  ): Promise<readonly [First, Second]> => {
    let other: Promise<Second> | undefined;
    const done = await inUnitOfWork(rig.connection.db, async (unit) => {
      const value = await first(unit);
      other = second();
      other.catch(() => {});
      await (meanwhile === 'answers' ? other : somebodyWaits());
      return value;
    });
    return [done, await must(other, 'the second')];
  };

  /** How the relay's copy is started; `other` is what is promised with it. */
  const begins: Readonly<Record<string, (tx: Tx, delivery: string, other: string) => Promise<Promised>>> = {
    'by itself': (tx, delivery) => promiseWrite(tx, promiseOf(delivery)),
    'with others': async (tx, delivery, other) => {
      const promise = createPromises(tx);
      const beside = { ...promiseOf(other), ticket: `other-${ticket}` };
      return (await Promise.all([promise(promiseOf(delivery)), promise(beside)]))[0];
    },
  };
  const brought = async (): Promise<readonly [WireAction, string, string]> => {
    const [action, other] = [next(), next()];
    await comes(action, 'relay');
    await comes(other, 'relay');
    return [action, await waits(action), await waits(other)];
  };

  for (const [how, begin] of Object.entries(begins)) {
    it(`waits for a promise that is being made ${how}, and leaves what has begun`, async () => {
      const [action, delivery, other] = await brought();
      const [promised, answer] = await between(
        (unit) => begin(unit.tx, delivery, other),
        () => comes(action, 'own'),
        'waits',
      );
      assert.deepEqual([promised.kind, statuses(answer)], ['promised', ['accepted']]);
      assert.deepEqual(await kinds(action), [
        { way: 'own', kind: 'copy', outcome: 'skipped' },
        { way: 'relay', kind: 'action', outcome: null },
      ]);
    });

    it(`is heard first where it came first: what would be promised ${how} is not promised`, async () => {
      const [action, delivery, other] = await brought();
      const asked = (): Promise<Promised> => rig.connection.db.transaction((tx) => begin(tx, delivery, other));
      const [, meanwhile] = await between((unit) => receive(unit, action, 'own'), asked, 'answers');
      assert.deepEqual([meanwhile.kind, (await asked()).kind], ['busy', 'lost'], 'nobody waits for who holds it');
      assert.equal(await promises(delivery), 0);
      assert.deepEqual(await kinds(action), [
        { way: 'own', kind: 'action', outcome: null },
        { way: 'relay', kind: 'copy', outcome: 'skipped' },
      ]);
    });
  }

  it('and an end of the relay’s that is under way do not wait for each other in a circle', async () => {
    const action = next();
    await comes(action, 'relay');
    const delivery = await waits(action);
    let coming: ReturnType<typeof comes> | undefined;
    await rig.connection.db.transaction(async (tx) => {
      await lockDelivery(tx, delivery);
      coming = comes(action, 'own');
      coming.catch(() => {});
      await somebodyWaits();
      await skipDelivery(tx, delivery);
    });
    assert.deepEqual(statuses((await coming) ?? null), ['accepted']);
    assert.deepEqual(await kinds(action), [
      { way: 'own', kind: 'action', outcome: null },
      { way: 'relay', kind: 'action', outcome: 'skipped' },
    ]);
  });

  describe('where the relay’s had begun, and the origin’s was said to be there', () => {
    const cache = createVersionCache();
    const refused = reason('refused-by-desk', { desk: 'north', name: 'HTTP 400', detail: 'no' });
    const contextOf = async (tx: Tx, action: WireAction, mirror: string) =>
      must(await contextOfAction(tx, { mirror, to: 'north' }, action.constant.id), 'the delivery');
    const ends = (action: WireAction, mirror: string, outcome: Outcome, why: Reason | null) =>
      inUnitOfWork(rig.connection.db, async (unit) =>
        endDelivery(unit, cache, await contextOf(unit.tx, action, mirror), {
          ...{ outcome, reason: why, drops: [], durationMs: 1, versions: null, by: null },
        }),
      );
    const begun = async (): Promise<WireAction> => {
      const [action, delivery] = await brought();
      await rig.connection.db.transaction((tx) => promiseWrite(tx, promiseOf(delivery)));
      await comes(action, 'own');
      return action;
    };
    const toldAcme = (action: WireAction): Promise<unknown> =>
      rig.all(sql`select receipt->>'outcome' as outcome, receipt->'reason'->>'code' as code from deliveries
        where action = ${action.constant.id} and mirror = ${own} and to_instance = 'acme-peer' and kind = 'receipt' order by seq`);
    const there = { outcome: 'skipped', code: 'already-there' };

    it('the origin’s is tried once the relay’s is refused, last of its lane, and its outcome is reported', async () => {
      const action = await begun();
      const later = next();
      await comes(later, 'own');
      const { wake } = await ends(action, relays, 'refused', refused);
      assert.ok(wake.includes('north'));
      assert.deepEqual(await kinds(action), [
        { way: 'own', kind: 'action', outcome: null },
        { way: 'relay', kind: 'action', outcome: 'refused' },
      ]);
      const lane = await rig.one(
        sql`select l.head_seq < d.seq and d.seq = l.last_seq as last, l.due_at is not null as due, d.released_at is not null as late
          from lanes l join deliveries d on d.mirror = l.mirror and d.to_instance = l.to_instance
          where l.mirror = ${own} and l.to_instance = 'north' and d.action = ${action.constant.id}`,
      );
      assert.deepEqual(lane, { last: true, due: true, late: true });
      await ends(action, own, 'refused', refused);
      assert.deepEqual(await toldAcme(action), [there, { outcome: 'refused', code: 'refused-by-desk' }]);
      assert.deepEqual(await kinds(action), [
        { way: 'own', kind: 'action', outcome: 'refused' },
        { way: 'relay', kind: 'action', outcome: 'refused' },
      ]);
    });

    for (const [how, outcome, why] of [
      ['is applied', 'applied', null],
      ['finds that it is so already', 'skipped', reason('no-op', { desk: 'north' })],
      ['is overtaken', 'skipped', reason('overtaken', { desk: 'north' })],
    ] as const)
      it(`it stays there where the relay’s ${how}`, async () => {
        const action = await begun();
        await ends(action, relays, outcome, why);
        assert.deepEqual(await kinds(action), [
          { way: 'own', kind: 'copy', outcome: 'skipped' },
          { way: 'relay', kind: 'action', outcome },
        ]);
        assert.deepEqual(await toldAcme(action), [there]);
      });

    it('it is not tried but told to be in doubt where somebody drops what the relay’s had begun', async () => {
      const action = await begun();
      const delivery = await waits(action);
      await rig.connection.db.transaction((tx) => skipDelivery(tx, delivery));
      assert.deepEqual(await kinds(action), [
        { way: 'own', kind: 'action', outcome: 'refused' },
        { way: 'relay', kind: 'action', outcome: 'skipped' },
      ]);
      assert.deepEqual(await toldAcme(action), [there, { outcome: 'refused', code: 'in-doubt' }]);
    });

    for (const [how, drop] of [
      ['is dropped by somebody', (tx: Tx, delivery: string) => skipDelivery(tx, delivery)],
      ['ends with its link', (tx: Tx) => closeLink(tx, 'beta-north')],
    ] as const)
      it(`what came behind what had not begun is tried where that ${how}`, async () => {
        const action = next();
        await comes(action, 'relay');
        const delivery = await waits(action);
        // As by a second relay: the origin's own word would have taken its place.
        await rig.connection.db.execute(
          sql`insert into deliveries (mirror, to_instance, seq, kind, action, outcome, reason, ended_at) values
            (${own}, 'north', 2, 'copy', ${action.constant.id}, 'skipped', '{"code":"already-there","text":""}', now())`,
        );
        await rig.connection.sql`update lanes set last_seq = 2 where mirror = ${own} and to_instance = 'north'`;
        await rig.connection.db.transaction(async (tx) => void (await drop(tx, delivery)));
        const [copy] = await rig.all(
          sql`select kind, outcome from deliveries where mirror = ${own} and to_instance = 'north' and action = ${action.constant.id}`,
        );
        assert.deepEqual(copy, { kind: 'action', outcome: null });
        await rig.connection.sql`update links set state = 'active' where id = 'beta-north'`;
      });

    it('an end of the relay’s and the origin’s own word at one moment leave one of them to be tried', async () => {
      const [action, delivery] = await brought();
      await rig.connection.db.transaction((tx) => promiseWrite(tx, promiseOf(delivery)));
      await between(
        async (unit) =>
          endDelivery(unit, cache, await contextOf(unit.tx, action, relays), {
            ...{ outcome: 'refused', reason: refused, drops: [], durationMs: 1, versions: null, by: null },
          }),
        () => transact(rig.connection.db, (tx) => receive(tx, action, 'own')),
        'waits',
      );
      assert.deepEqual(await kinds(action), [
        { way: 'own', kind: 'action', outcome: null },
        { way: 'relay', kind: 'action', outcome: 'refused' },
      ]);
    });
  });

  for (const [first, second] of [
    ['relay', 'own'],
    ['own', 'relay'],
  ] as const)
    it(`comes to a ticket once where both ways bring at the same moment what is known by a third, the ${first} first`, async () => {
      const third = await rig.open(`third-${ticket}`);
      const action = next();
      const at = { seq: 2, after: 1, ticket: wireOf({ ticket: `third-${ticket}` }).ticket };
      await rig.receive({ mirror: third, actions: [{ ...action, ...at }] });
      await between(
        (unit) => receive(unit, action, first),
        // As the gateway does it: who met somebody is done again.
        () => transact(rig.connection.db, (unit) => receive(unit, action, second)),
        'waits',
      );
      assert.deepEqual(await kinds(action), [
        { way: 'own', kind: 'action', outcome: null },
        { way: 'relay', kind: 'copy', outcome: 'skipped' },
      ]);
    });
});
