import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { ticketRef } from '#core/words/ref.ts';
import { rows, type Client } from '#db/base/client.ts';
import { moveMirrorsOn } from '#db/log/mirror-life.ts';
import { followMerge, ticketGone } from '#db/log/ticket-life.ts';
import { addLink } from '#test/federation/rig.ts';
import { emptyLog, first, putAction, putMirror, snapshotOf, twoDesks, type TwoDesks } from '#test/db/mirrored.ts';

const atNorth = ticketRef('north', '9');

describe('a mirror', () => {
  let desks: TwoDesks;
  let db: Client;
  let mirror: string;
  before(async () => {
    desks = await twoDesks('ticket_life', { more: ['west'] });
    ({ db } = desks);
    await addLink(desks.connection, 'west-north', 'west', 'north');
  });
  beforeEach(async () => {
    await emptyLog(desks);
    mirror = await putMirror(db);
    await putAction(db, { id: mirror });
  });
  after(() => desks.close());

  const life = (id = mirror): Promise<unknown> =>
    first(
      db,
      sql`select state, close_reason as why, paused_at is not null as paused, second_ticket as ticket from mirrors where id = ${id}`,
    );
  const told = async (to: string): Promise<string[]> =>
    (
      await rows<{ code: string }>(
        db,
        sql`select receipt->'reason'->>'code' as code from deliveries where to_instance = ${to} and kind = 'receipt' order by mirror, seq`,
      )
    ).map(({ code }) => code);
  const gone = (): Promise<string[]> => db.transaction((tx) => ticketGone(tx, atNorth, 'North'));
  const merged = (into: string): Promise<string[]> => db.transaction((tx) => followMerge(tx, atNorth, 'North', into));
  const show = async (closed: { readonly acme: boolean; readonly north: boolean }): Promise<void> => {
    for (const [instance, ticket] of [
      ['acme', '1'],
      ['north', '9'],
    ] as const)
      await db.execute(
        sql`insert into tickets (instance, external_id, snapshot)
          values (${instance}, ${ticket}, ${JSON.stringify(snapshotOf(ticket, { closed: closed[instance] }))}::jsonb)
          on conflict (instance, entity, external_id) do update set snapshot = excluded.snapshot`,
      );
    await db.transaction((tx) => moveMirrorsOn(tx, [mirror]));
  };

  it('whose ticket was deleted closes, and the other desk is told once, though two readers notice it', async () => {
    assert.deepEqual((await Promise.all([gone(), gone()])).flat(), ['acme']);
    assert.deepEqual(await life(), { state: 'closed', why: 'gone', paused: false, ticket: '9' });
    assert.deepEqual([await told('acme'), await told('north')], [['gone'], []]);
    assert.deepEqual(await first(db, sql`select count(*)::int as n, max(count) as count from notices`), {
      n: 1,
      count: 1,
    });
  });

  it('follows its ticket into the one that it was merged into, with what was written there', async () => {
    await db.execute(sql`insert into writes (delivery, step, instance, ticket, marker, fingerprints, state, deadline)
      values (uuidv7(), 0, 'north', '9', 'm', '{}', 'made', now()), (uuidv7(), 0, 'north', '8', 'n', '{}', 'made', now())`);
    assert.deepEqual(await merged('12'), []);
    assert.deepEqual(await life(), { state: 'open', why: null, paused: false, ticket: '12' });
    assert.deepEqual(
      (await rows(db, sql`select ticket from writes order by marker`)).map(({ ticket }) => ticket),
      ['12', '8'],
    );
    assert.deepEqual(await told('acme'), []);
  });

  it('ends where its ticket was merged into one that the same link mirrors', async () => {
    await putMirror(db, { first: '2', second: '12' });
    assert.deepEqual(await merged('12'), ['acme']);
    assert.deepEqual(await life(), { state: 'closed', why: 'merged', paused: false, ticket: '9' });
    assert.deepEqual(await told('acme'), ['merged']);
  });

  it('is held where its ticket was merged into one of another link: nobody can know what is meant', async () => {
    const other = await putMirror(db, { link: 'west-north', customer: 'west', second: '12' });
    assert.deepEqual(await merged('12'), ['acme']);
    assert.deepEqual(await life(), { state: 'open', why: null, paused: true, ticket: '9' });
    assert.deepEqual(await life(other), { state: 'open', why: null, paused: false, ticket: '12' });
    assert.deepEqual([await told('acme'), await told('west')], [['merged-elsewhere'], []]);
  });

  it('closes when both tickets have, and not before, and opens again with one of them', async () => {
    await show({ acme: false, north: true });
    assert.deepEqual(await life(), { state: 'open', why: null, paused: false, ticket: '9' });
    await show({ acme: true, north: true });
    assert.deepEqual(await life(), { state: 'closed', why: 'done', paused: false, ticket: '9' });
    await show({ acme: true, north: false });
    assert.deepEqual(await life(), { state: 'open', why: null, paused: false, ticket: '9' });
  });

  it('stays closed where a newer one has taken its place, or its time is over', async () => {
    await show({ acme: true, north: true });
    await db.execute(sql`update mirrors set closed_at = now() - interval '31 days' where id = ${mirror}`);
    await show({ acme: false, north: false });
    assert.deepEqual(await life(), { state: 'closed', why: 'done', paused: false, ticket: '9' });
    await db.execute(sql`update mirrors set closed_at = now() where id = ${mirror}`);
    await putMirror(db, { id: 'ffffffff-0000-7000-8000-000000000001', second: '10' });
    await show({ acme: false, north: false });
    assert.deepEqual(await life(), { state: 'closed', why: 'done', paused: false, ticket: '9' });
  });
});
