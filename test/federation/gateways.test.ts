import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/client.ts';
import { until } from '#test/support/wait.ts';
import { assertAgree, carried } from './between.ts';
import { linkState, pair, set, startOrganisation, type Organisation } from './organisations.ts';
import type { RigDesk } from './rig.ts';

const mayWiden = (kind: string | null): boolean => kind === 'Note';
const visibleToUsers = { inbound: { actions: [{ from: 'Note', to: 'Note', audience: 'user' }] } };

describe('two organisations with a gateway each', () => {
  let acme: Organisation;
  let north: Organisation;
  let link: string;
  before(async () => {
    [acme, north] = await Promise.all([startOrganisation('acme', 'two'), startOrganisation('north', 'two')]);
    link = await pair(acme, north, { customer: visibleToUsers });
  });
  after(async () => {
    await acme.close();
    await north.close();
  });

  const agree = (): Promise<void> => assertAgree(acme, north, link, { mayWiden });
  const opened = async (): Promise<{ ticket: string; far: string }> => {
    const ticket = await acme.desk.open();
    await acme.desk.escalate(ticket);
    const far = await shown(() => acme.desk.ticket(ticket).reference ?? undefined, 'the number of the far ticket');
    return { ticket, far };
  };

  it('are paired in one step: the link is active at both', async () => {
    assert.deepEqual([await linkState(acme, link), await linkState(north, link)], ['active', 'active']);
  });

  it('escalate, answer and close: each side in its own desk, each note once, nothing of the other’s settings known', async () => {
    const { ticket, far } = await opened();
    assert.match(north.desk.ticket(far).summary, /VPN drops/);
    await acme.desk.note(ticket, '<p>from acme</p>');
    await shown(() => count(north.desk, far, 'from acme') || undefined, 'the note at north');
    await north.desk.note(far, '<p>from north</p>');
    await shown(() => count(acme.desk, ticket, 'from north') || undefined, 'the note at acme');
    await agree();
    assert.deepEqual([count(north.desk, far, 'from acme'), count(acme.desk, ticket, 'from north')], [1, 1]);
    const foreign = await rows(
      north.rig.connection.db,
      sql`select settings from settings where side = ${`${link}/customer`} and settings::text like '%Escalate%'`,
    );
    assert.equal(foreign.length, 0, 'what the customer escalates is not known at the supplier');
  });

  it('say in private what the far desk refuses, in its words', async () => {
    const { ticket, far } = await opened();
    await north.desk.fault({ on: 'action', kind: 'refuse', times: 1 });
    await acme.desk.note(ticket, '<p>not wanted</p>');
    const told = await shown(
      () => acme.desk.ticket(ticket).actions.find(({ note }) => note?.includes('did not arrive')),
      'the refusal at acme',
    );
    assert.equal(told.visible, false);
    await agree();
    assert.equal(count(north.desk, far, 'not wanted'), 0);
  });

  it('leave no gap where something does not leave, and keep the order of a hundred notes both ways', async () => {
    const { ticket, far } = await opened();
    // In two bursts: a hundred turns within a minute are a circle, and the breaker would stop them.
    for (let n = 1; n <= 100; n += 1) {
      if (n % 10 === 0) await acme.desk.act(ticket, { kind: 'Secret', note: `<p>secret ${n}</p>`, visible: false });
      else await acme.desk.control({ act: { ticket, note: `<p>a ${n}.</p>` } });
    }
    await acme.rig.hint('acme', ticket);
    for (let n = 1; n <= 100; n += 1) await north.desk.control({ act: { ticket: far, note: `<p>n ${n}.</p>` } });
    await north.rig.hint('north', far);
    await shown(() => (count(acme.desk, ticket, 'n 100.') && count(north.desk, far, 'a 99.')) || undefined, 'the last');
    await agree();
    assert.deepEqual(texts(north.desk, far, /a \d+\./), numbered('a', 100, 10));
    assert.deepEqual(texts(acme.desk, ticket, /n \d+\./), numbered('n', 100));
  });

  it('carry on after kill -9 of either worker or gateway under load: nothing is lost, nothing twice, order is kept', async () => {
    // One way each: turns of a machine's pace on one ticket would be a circle, and the breaker would stop them.
    const [up, down] = [await opened(), await opened()];
    const kills = [
      () =>
        acme
          .worker()
          .kill9()
          .then(() => acme.startWorker()),
      () =>
        north
          .gateway()
          .kill9()
          .then(() => north.startGateway()),
      () =>
        north
          .worker()
          .kill9()
          .then(() => north.startWorker()),
      () =>
        acme
          .gateway()
          .kill9()
          .then(() => acme.startGateway()),
    ];
    let n = 0;
    for (const kill of kills) {
      const killed = kill();
      for (let k = 0; k < 10; k += 1) {
        n += 1;
        await acme.desk.note(up.ticket, `<p>a ${n}.</p>`);
        await north.desk.note(down.far, `<p>n ${n}.</p>`);
      }
      await killed;
    }
    await shown(
      () => (count(acme.desk, down.ticket, `n ${n}.`) && count(north.desk, up.far, `a ${n}.`)) || undefined,
      'the last notes',
      90_000,
    );
    await agree();
    assert.deepEqual(texts(north.desk, up.far, /a \d+\./), numbered('a', n));
    assert.deepEqual(texts(acme.desk, down.ticket, /n \d+\./), numbered('n', n));
  });

  it('carry on after kill -9 at the worst moments of handing over and receiving, at either side', async () => {
    const { ticket, far } = await opened();
    await agree();
    const sides = [
      { at: acme, word: 'a', say: (note: string) => acme.desk.note(ticket, note) },
      { at: north, word: 'n', say: (note: string) => north.desk.note(far, note) },
    ] as const;
    const atBoth = (work: (side: (typeof sides)[number]) => Promise<unknown>): Promise<unknown> =>
      Promise.all(sides.map(work));
    // Who is started after a kill carries what was left, and dies at the next point.
    await atBoth(async ({ at, word, say }) => {
      await at.worker().kill9();
      const promised = await at.startWorker({}, `sending:${word} 1.`);
      await say(`<p>${word} 1.</p>`);
      await promised.ended;
      const answered = await at.startWorker({}, `answered:${word} 2.`);
      await say(`<p>${word} 2.</p>`);
      await answered.ended;
    });
    await atBoth(({ at }) => Promise.all([at.startWorker(), at.gateway().kill9()]));
    await atBoth(async ({ at, word, say }) => {
      const received = await at.startGateway('/actions');
      await say(`<p>${word} 3.</p>`);
      await received.ended;
      // The receipts of what it has just taken in come while it is away, so they strike the next one.
      const told = await at.startGateway('/receipts');
      await told.ended;
      await at.startGateway();
    });
    await agree();
    assert.deepEqual(texts(north.desk, far, /a \d+\./), numbered('a', 3));
    assert.deepEqual(texts(acme.desk, ticket, /n \d+\./), numbered('n', 3));
  });

  it('carry a note once, wherever in the exchange the line is cut', async () => {
    const { ticket, far } = await opened();
    await carried(acme);
    const before = north.line.bytes();
    await acme.desk.note(ticket, '<p>whole 0.</p>');
    await shown(() => count(north.desk, far, 'whole 0.') || undefined, 'the first');
    await carried(acme);
    const after = north.line.bytes();
    const [up, down] = [after.up - before.up, after.down - before.down];
    const places = [
      ...Array.from({ length: 8 }, (_, k) => ({ way: 'up' as const, afterBytes: Math.floor((up * k) / 8) })),
      ...Array.from({ length: 8 }, (_, k) => ({ way: 'down' as const, afterBytes: Math.floor((down * k) / 8) })),
    ];
    for (const [n, cut] of places.entries()) {
      north.line.down(true);
      north.line.down(false);
      north.line.cut(cut);
      await acme.desk.note(ticket, `<p>cut ${n + 1}.</p>`);
      await shown(() => count(north.desk, far, `cut ${n + 1}.`) || undefined, `note ${n + 1}`, 60_000);
    }
    await agree();
    assert.deepEqual(texts(north.desk, far, /cut \d+\./), numbered('cut', places.length));
  });

  it('wait for a line that is down, hold nothing, and catch up', async () => {
    const { ticket, far } = await opened();
    north.line.down(true);
    for (let n = 1; n <= 5; n += 1) await acme.desk.note(ticket, `<p>a ${n}.</p>`);
    await shown(async () => {
      const [row] = await rows<{ n: number }>(
        acme.rig.connection.db,
        sql`select count(*)::int as n from couriers where retry_at is not null and failures > 0`,
      );
      return row?.n === 1 ? true : undefined;
    }, 'the courier to wait');
    north.line.down(false);
    await shown(() => count(north.desk, far, 'a 5.') || undefined, 'the last', 90_000);
    await agree();
    assert.deepEqual(texts(north.desk, far, /a \d+\./), numbered('a', 5));
  });

  it('that are linked with two desks of one gateway carry from the one through the other organisation to the other', async () => {
    const second = await acme.rig.desk('second');
    await acme.rig.live();
    await set(north, link, 'supplier', { outbound: { actions: ['Note'], relay: 'all' } });
    const onward = await pair(north, acme, {
      at: 'second',
      customer: { ...visibleToUsers, outbound: { actions: ['Note'], relay: 'all' } },
    });
    const { ticket, far } = await opened();
    await north.desk.escalate(far, '<p>Please help us.</p>');
    const third = await shown(() => north.desk.ticket(far).reference ?? undefined, 'the number of the third ticket');
    assert.ok(second.desk.tickets.has(third));
    await acme.desk.note(ticket, '<p>said by the first</p>');
    await shown(() => count(second, third, 'said by the first') || undefined, 'the note at the second desk');
    await second.note(third, '<p>said by the second</p>');
    await shown(() => count(acme.desk, ticket, 'said by the second') || undefined, 'the answer at the first desk');
    await agree();
    for (const text of ['said by the first', 'said by the second'])
      assert.deepEqual(
        [count(acme.desk, ticket, text), count(north.desk, far, text), count(second, third, text)],
        [1, 1, 1],
        text,
      );
    assert.equal(await linkState(north, onward), 'active');
    const verified = await acme.ferry('verify', 'second', third);
    assert.equal(verified.code, 0, verified.out + verified.err);
  });
});

describe('three organisations', () => {
  const organisations: Organisation[] = [];
  const of = (id: string): Organisation => {
    const found = organisations.find((one) => one.id === id);
    if (found === undefined) throw new Error(`no organisation ${id}`);
    return found;
  };
  const relaying = { ...visibleToUsers, outbound: { actions: ['Note'], relay: 'all' } };
  const escalating = (to: string): Record<string, unknown> => ({
    ...visibleToUsers,
    outbound: {
      actions: ['Note'],
      relay: 'all',
      escalates: { all: [{ kind: 'Escalate' }, { field: 'Ref', equals: to }] },
    },
  });
  before(async () => {
    for (const id of ['red', 'green', 'blue']) organisations.push(await startOrganisation(id, 'three'));
    await pair(of('red'), of('green'), { customer: escalating('green'), supplier: relaying });
    await pair(of('green'), of('blue'), { customer: escalating('blue'), supplier: relaying });
    await pair(of('blue'), of('red'), { customer: escalating('red'), supplier: relaying });
  });
  after(async () => {
    for (const one of organisations) await one.close();
  });
  const escalate = async (from: string, ticket: string, to: string): Promise<string> => {
    await of(from).desk.act(ticket, { kind: 'Escalate', note: `<p>to ${to}</p>`, visible: false, fields: { Ref: to } });
    return shown(() => of(from).desk.ticket(ticket).reference ?? undefined, `the ticket at ${to}`);
  };

  it('in a chain have each note once, signed by who said it, and can prove it offline', async () => {
    const first = await of('red').desk.open('A chain');
    const second = await escalate('red', first, 'green');
    const third = await escalate('green', second, 'blue');
    await of('red').desk.note(first, '<p>said by red</p>');
    await shown(() => count(of('blue').desk, third, 'said by red') || undefined, 'the note at the end of the chain');
    await of('blue').desk.note(third, '<p>said by blue</p>');
    await shown(() => count(of('red').desk, first, 'said by blue') || undefined, 'the answer at its beginning');
    for (const one of organisations) await carried(one);
    for (const { rig } of organisations) await rig.check({ mayWiden });
    assert.deepEqual(
      [
        count(of('green').desk, second, 'said by red'),
        count(of('blue').desk, third, 'said by red'),
        count(of('green').desk, second, 'said by blue'),
        count(of('red').desk, first, 'said by blue'),
      ],
      [1, 1, 1, 1],
    );
    const verified = await of('blue').ferry('verify', 'blue', third);
    assert.equal(verified.code, 0, verified.out + verified.err);
    assert.match(verified.out, new RegExp(`${of('red').line.url}/i/red`));
  });

  it('in a ring have each note exactly once, and it does not come back', async () => {
    const first = await of('red').desk.open('A ring');
    const second = await escalate('red', first, 'green');
    const third = await escalate('green', second, 'blue');
    const again = await escalate('blue', third, 'red');
    await of('red').desk.note(first, '<p>round and round</p>');
    await shown(() => count(of('blue').desk, third, 'round and round') || undefined, 'the note at blue');
    for (const one of organisations) await carried(one);
    for (const { rig } of organisations) await rig.check({ mayWiden });
    const red = count(of('red').desk, first, 'round and round') + count(of('red').desk, again, 'round and round');
    assert.deepEqual(
      [red, count(of('green').desk, second, 'round and round'), count(of('blue').desk, third, 'round and round')],
      [1, 1, 1],
    );
  });
});

function shown<Found>(look: () => Found | undefined | Promise<Found | undefined>, what: string, timeoutMs = 60_000) {
  return until(look, { what, timeoutMs }) as Promise<NonNullable<Found>>;
}

function count(desk: RigDesk, ticket: string, text: string): number {
  return desk.ticket(ticket).actions.filter((one) => one.note?.includes(text)).length;
}

function texts(desk: RigDesk, ticket: string, pattern: RegExp): string[] {
  return desk.ticket(ticket).actions.flatMap(({ note }) => pattern.exec(note ?? '')?.[0] ?? []);
}

function numbered(word: string, count: number, without?: number): string[] {
  return Array.from({ length: count }, (_, n) => n + 1)
    .filter((n) => without === undefined || n % without !== 0)
    .map((n) => `${word} ${n}.`);
}
