import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { ticketRef } from '#core/words/ref.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { openMirror } from '#db/log/open-mirror.ts';
import { placeDeliveries, type NewDelivery } from '#db/log/place-deliveries.ts';
import { addInstance, addLink } from '#test/federation/rig.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

const id = (n: number): string => `01a00000-0000-7000-8000-00000000000${n}`;

describe('a mirror that is opened', () => {
  let database: TestDatabase;
  let connection: Connection;
  before(async () => {
    database = await freshDatabase('place_deliveries');
    connection = connect(database.url, { max: 2 });
    for (const instance of ['acme', 'north']) await addInstance(connection, instance, 'http://127.0.0.1:1', {});
    await addLink(connection, 'acme-north', 'acme', 'north');
    for (const n of [1, 2, 3, 4])
      await connection.db.execute(sql`insert into actions
        (id, instance, ticket, external_id, origin, at, audience, visibility, hash, via)
        values (${id(n)}, 'acme', '1', ${String(n)}, 'acme', now(), 'desks', 'hidden', 'x', '{acme}')`);
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });

  const place = (deliveries: readonly NewDelivery[], accepted?: number): Promise<void> =>
    connection.db.transaction((tx) =>
      placeDeliveries(tx, { mirror: id(1), to: 'north' }, deliveries, {
        desk: 'North',
        ...(accepted === undefined ? {} : { accepted }),
      }),
    );
  const placed = async (): Promise<unknown[]> =>
    (
      await rows(
        connection.db,
        sql`select seq::int as seq, right(action::text, 1) as action, kind, escalation, outcome, reason->>'code' as reason,
          via, released_at is not null as late, ended_at is not null as ended from deliveries order by seq`,
      )
    ).map((row) => Object.values(row));
  const lane = async (): Promise<unknown> => {
    const [row] = await rows(
      connection.db,
      sql`select last_seq::int as last, accepted_seq::int as accepted, due_at is not null as due from lanes
        where to_instance = 'north'`,
    );
    return row;
  };

  it('has its customer’s ticket, both its lanes and nothing at its other end', async () => {
    const mirror = await connection.db.transaction((tx) =>
      openMirror(tx, {
        id: id(1),
        link: 'acme-north',
        shadow: false,
        customer: { ref: ticketRef('acme', '1'), number: '#1', url: 'http://acme.example/1' },
        supplier: 'north',
      }),
    );
    const { customer, supplier } = mirror.ends;
    assert.deepEqual([mirror.state, mirror.linkState, mirror.paused], ['opening', 'active', false]);
    assert.deepEqual(
      [customer.side, customer.instance, customer.ticketId, customer.number],
      ['customer', 'acme', '1', '#1'],
    );
    assert.deepEqual(
      [supplier.side, supplier.instance, supplier.ticketId, supplier.number],
      ['supplier', 'north', null, null],
    );
    const lanes = await rows(connection.db, sql`select to_instance as to, due_at as due from lanes order by 1`);
    assert.deepEqual(
      lanes.map(({ to, due }) => [to, due]),
      [
        ['acme', null],
        ['north', null],
      ],
    );
  });

  it('gives each delivery of a lane the next seq, in the order given, and is due from then on', async () => {
    await place([
      { action: id(1), escalation: true },
      { action: id(2), via: ['acme', 'hub'], late: true },
    ]);
    assert.deepEqual(await placed(), [
      [1, '1', 'action', true, null, null, null, false, false],
      [2, '2', 'action', false, null, null, ['acme', 'hub'], true, false],
    ]);
    assert.deepEqual(await lane(), { last: 2, accepted: 0, due: true });
  });

  it('ends at once, visibly, what the instance has by another way, and what it has under another id', async () => {
    await place([{ action: id(2) }, { action: id(3), ended: 'there' }, { action: id(4), ended: 'applied' }], 7);
    assert.deepEqual((await placed()).slice(2), [
      [3, '2', 'copy', false, 'skipped', 'already-there', null, false, true],
      [4, '3', 'copy', false, 'skipped', 'already-there', null, false, true],
      [5, '4', 'action', false, 'applied', null, null, false, true],
    ]);
    assert.deepEqual(await lane(), { last: 5, accepted: 7, due: true });
  });
});
