import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { carried } from './between.ts';
import { linkState, pair, set, visibleToUsers, type Organisation } from './organisations.ts';
import { count, numbered, shown, texts } from './desk-notes.ts';
import { startTwoOrganisations, type TwoOrganisations } from './two-organisations.ts';

describe('two organisations with a gateway each', () => {
  let acme: Organisation;
  let north: Organisation;
  let link: string;
  let agree: TwoOrganisations['agree'];
  let opened: TwoOrganisations['opened'];
  let close: TwoOrganisations['close'];
  before(async () => {
    ({ acme, north, link, agree, opened, close } = await startTwoOrganisations('two'));
  });
  after(() => close());

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
    // One way each: turns of a machine's pace on one ticket would be a circle, and the breaker would stop them.
    const [up, down] = [await opened(), await opened()];
    for (let n = 1; n <= 100; n += 1) {
      const secret = { kind: 'Secret', note: `<p>secret ${n}</p>`, visible: false };
      await acme.desk.control({ act: { ticket: up.ticket, ...(n % 10 === 0 ? secret : { note: `<p>a ${n}.</p>` }) } });
      await north.desk.control({ act: { ticket: down.far, note: `<p>n ${n}.</p>` } });
    }
    await acme.rig.hint('acme', up.ticket);
    await north.rig.hint('north', down.far);
    await shown(
      () => (count(acme.desk, down.ticket, 'n 100.') && count(north.desk, up.far, 'a 99.')) || undefined,
      'the last',
    );
    await agree();
    assert.deepEqual(texts(north.desk, up.far, /a \d+\./), numbered('a', 100, 10));
    assert.deepEqual(texts(acme.desk, down.ticket, /n \d+\./), numbered('n', 100));
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

  for (const newest of ['acme', 'north'] as const)
    it(`have what ${newest} has set, which is newer, where both set the same before they met`, async () => {
      const { ticket, far } = await opened();
      await agree();
      const changes = {
        acme: () => acme.desk.act(ticket, { note: '<p>a sets.</p>', status: 'waiting', fields: { Ref: 'A' } }),
        north: () => north.desk.act(far, { note: '<p>b sets.</p>', status: 'closed', fields: { Ref: 'B' } }),
      };
      acme.line.down(true);
      north.line.down(true);
      await changes[newest === 'acme' ? 'north' : 'acme']();
      await changes[newest]();
      acme.line.down(false);
      north.line.down(false);
      await shown(
        () => (count(acme.desk, ticket, 'b sets.') && count(north.desk, far, 'a sets.')) || undefined,
        'both notes',
        90_000,
      );
      await agree();
      const states = [acme.desk.ticket(ticket), north.desk.ticket(far)].map(
        ({ status, fields }) => `${status} ${String(fields['Ref'])}`,
      );
      const wanted = newest === 'acme' ? 'waiting A' : 'closed B';
      assert.deepEqual(states, [wanted, wanted]);
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
