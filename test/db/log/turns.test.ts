import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { logReading } from '#db/log/log-reading.ts';
import { createTogether, type Together } from '#db/log/together.ts';
import { liftPauses } from '#db/operate/lift-pauses.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { ticketRef } from '#core/words/ref.ts';
import type { ObservedAction } from '#core/words/desk.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { addInstance, addLink } from '#test/federation/rig.ts';

const mirror = '01990000-0000-7000-8000-00000000a001';
const start = Date.now() - 60_000;
const at = (ms: number): string => new Date(start + ms).toISOString();
const tickets = { acme: '1', north: '9' } as const;
type DeskId = keyof typeof tickets;

describe('the turns on a mirror', () => {
  let database: TestDatabase;
  let connection: Connection;
  let together: Together;
  const cache = createVersionCache();
  const next = { acme: 0, north: 0 };
  before(async () => {
    database = await freshDatabase('turns');
    connection = connect(database.url, { max: 4 });
    together = createTogether(connection.db);
    const { db } = connection;
    for (const id of ['acme', 'north']) await addInstance(connection, id, 'http://localhost:1', {});
    await addLink(connection, 'acme-north', 'acme', 'north');
    await db.execute(sql`update instances set live_since = ${at(-10_000_000)}`);
    await db.execute(
      sql`insert into mirrors (id, link, state, first_instance, first_ticket, second_instance, second_ticket)
        values (${mirror}, 'acme-north', 'open', 'acme', '1', 'north', '9')`,
    );
    await db.execute(
      sql`insert into lanes (mirror, to_instance, link) values (${mirror}, 'acme', 'acme-north'), (${mirror}, 'north', 'acme-north')`,
    );
    // A worker knows the settings long since.
    await cache.side(db, 'acme-north/customer', 1);
    await cache.side(db, 'acme-north/supplier', 1);
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });
  beforeEach(async () => {
    const { db } = connection;
    await db.execute(sql`update mirrors set turns = '[]', paused_at = null, pause_reason = null`);
    for (const table of ['audit', 'actions', 'deliveries', 'written_ids', 'writes', 'tickets', 'notices'])
      await db.execute(sql.raw(`delete from ${table}`));
    next.acme = 0;
    next.north = 0;
  });

  type Said = { readonly atMs: number; readonly note: string; readonly ours?: boolean };
  const read = (desk: DeskId, said: readonly Said[]): Promise<unknown> => {
    const ticketId = tickets[desk];
    const actions = said.map(({ atMs, note, ours }): ObservedAction => ({
      externalId: String((next[desk] += 1)),
      at: at(atMs),
      author: ours === true ? { name: 'Ferry', role: 'service' } : { name: `Person at ${desk}`, role: 'agent' },
      ...(ours === true ? { marker: note } : {}),
      fingerprint: note,
      visibility: 'visible',
      note: `<p>${note}</p>`,
      words: { kind: 'Note', fields: {} },
      attachments: [],
    }));
    const snapshot = {
      ...{ ticketId, number: ticketId, url: '', summary: '', description: '', status: 'open', closed: false },
      ...{ category: null, type: null, priority: null, fields: {}, account: null, requester: null },
    };
    return together(
      { ref: ticketRef(desk, ticketId), externalIds: actions.map((one) => one.externalId) },
      (tx, locked) =>
        logReading(tx, cache, { ref: ticketRef(desk, ticketId), snapshot, actions, settleMs: 500 }, locked),
    );
  };
  /** Our write of the other side's latest action arrives here. */
  const arrive = async (desk: DeskId, atMs: number): Promise<void> => {
    const { db } = connection;
    const [waiting] = await rows<{ id: string }>(
      db,
      sql`update deliveries set outcome = 'applied' where id = (
        select id from deliveries where to_instance = ${desk} and outcome is null order by seq limit 1) returning id`,
    );
    assert.ok(waiting !== undefined, `nothing is on its way to ${desk}`);
    const marker = `${waiting.id}-0`;
    await db.execute(
      sql`insert into writes (delivery, step, instance, ticket, marker, fingerprints, deadline, promised_at, state)
        values (${waiting.id}, 0, ${desk}, ${tickets[desk]}, ${marker}, '{}', now() + interval '30 seconds', now(), 'settled')`,
    );
    await read(desk, [{ atMs, note: marker, ours: true }]);
  };
  const state = async (): Promise<{ paused: boolean; turns: number } | undefined> =>
    (
      await rows<{ paused: boolean; turns: number }>(
        connection.db,
        sql`select paused_at is not null as paused, jsonb_array_length(turns) as turns from mirrors`,
      )
    )[0];
  /** The two sides answer each other; each answer is written `afterMs` after what it answers has arrived. */
  const answering = async (
    rounds: number,
    note: (n: number) => string,
    afterMs: (n: number) => number,
  ): Promise<void> => {
    let now = 0;
    await read('acme', [{ atMs: now, note: 'Is anybody there?' }]);
    for (let n = 0; n < rounds; n += 1) {
      const desk = n % 2 === 0 ? 'north' : 'acme';
      await arrive(desk, (now += 100));
      await read(desk, [{ atMs: (now += afterMs(n)), note: note(n) }]);
    }
  };
  const quiet = (): Promise<unknown> =>
    connection.db.execute(
      sql`with m as (update mirrors set paused_at = paused_at - interval '11 minutes')
        update deliveries set created_at = created_at - interval '11 minutes'`,
    );

  it('is nobody’s if neither can have seen the other: what an outage kept for half an hour, logged together, is not a loop', async () => {
    const six = (who: string, from: number): Said[] =>
      Array.from({ length: 6 }, (_, n) => ({ atMs: from + n * 500, note: `${who} ${n}` }));
    await Promise.all([read('acme', six('ann', 0)), read('north', six('bob', 30 * 60_000))]);
    assert.deepEqual(await state(), { paused: false, turns: 0 });
    for (let n = 0; n < 6; n += 1)
      await Promise.all([read('acme', six('ann', 3_600_000)), read('north', six('bob', 0))]);
    assert.deepEqual(await state(), { paused: false, turns: 0 });
  });

  it('is that of who answers, by the desk’s own clock, however far that is off', async () => {
    await read('acme', [{ atMs: 0, note: 'a question' }]);
    await arrive('north', -3_600_000);
    await read('north', [{ atMs: -3_600_000 + 4_000, note: 'an answer' }]);
    assert.deepEqual(await state(), { paused: false, turns: 1 });
    await read('north', [{ atMs: -3_600_000 + 5_000, note: 'and more of it' }]);
    assert.deepEqual(await state(), { paused: false, turns: 1 });
  });

  it('passes to and fro between two people every few seconds, and nothing is paused', async () => {
    const words = [
      'try the cable',
      'no',
      'which light is red',
      'the second',
      'and now',
      'same',
      'let me look',
      'ok',
      'done?',
    ];
    await answering(
      24,
      (n) => `${words[n % words.length]} ${n % 4 === 0 ? 'please' : ''}`,
      (n) => 1_500 + ((n * 733) % 4_000),
    );
    assert.deepEqual(await state(), { paused: false, turns: 12 });
  });

  it('passes to and fro between two machines ten times, then the mirror is paused, stays so, and somebody is notified', async () => {
    await answering(
      11,
      (n) => `Thank you for note ${n}.`,
      () => 2,
    );
    assert.equal((await state())?.paused, true);
    const notices = await rows<{ cause: string }>(connection.db, sql`select cause from notices`);
    assert.equal(notices[0]?.cause, `ping-pong/${mirror}`);
    await quiet();
    assert.deepEqual(await liftPauses(connection.db), []);
    assert.equal((await state())?.paused, true);
  });

  it('a pause for haste alone lifts after a quiet while, once; the second stays for somebody to look', async () => {
    const hasty = (): Promise<void> =>
      answering(
        11,
        (n) => 'abcdefghijk'.slice(n % 10),
        () => 30,
      );
    await hasty();
    assert.equal((await state())?.paused, true);
    assert.deepEqual(await liftPauses(connection.db), [], 'it was quiet for no time yet');
    await quiet();
    const [lifted] = await liftPauses(connection.db);
    assert.equal(lifted?.mirror, mirror);
    assert.deepEqual(await state(), { paused: false, turns: 0 });
    const [told] = await rows(connection.db, sql`select "by", subject from audit`);
    assert.deepEqual(told, { by: 'ferry', subject: `mirrors/${mirror}` });
    await connection.db.execute(sql`update deliveries set outcome = 'applied'`);
    await hasty();
    await quiet();
    assert.deepEqual(await liftPauses(connection.db), []);
    assert.equal((await state())?.paused, true);
  });
});
