import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import postgres from 'postgres';
import { migrate } from '#db/base/migrate.ts';
import type { DeskTicket } from '#twins/light/server.ts';
import { emptyDatabase } from '#test/support/database.ts';
import { startProgram, type Program } from '#test/support/process.ts';
import { startRig, type Rig, type RigDesk } from './rig.ts';
import { fillAsBefore, stopNow, unhashed } from './upgrade/fixture.ts';

type Write = { readonly marker: string; readonly state: string; readonly promised: string };

/** The desks are in this process: a request to them is done within this time, even if the machine is busy. */
const patient = { writeTimeoutMs: 12_000, settleMs: 2_000 };

describe('a database made by version 0.1.0 with open writes, waiting deliveries and old markers', () => {
  let rig: Rig;
  let sql: postgres.Sql;
  let gateway: Program | undefined;
  let had: Readonly<Record<string, readonly DeskTicket[]>>;
  let acme: RigDesk;
  let north: RigDesk;
  let counted: Record<string, number>;
  let open: readonly Write[];
  let wrongBefore: readonly string[];

  before(async () => {
    const database = await emptyDatabase('upgrade');
    const stopped = await fillAsBefore(database.url);
    sql = postgres(database.url, { max: 1, onnotice: () => {} });
    wrongBefore = await unhashed(sql);
    had = await stopNow(sql, stopped);
    counted = await count();
    open = await openWrites();
    await migrate(database.url);
    rig = await startRig('upgrade', { database });
    acme = await rig.desk('acme', patient, had['acme']);
    north = await rig.desk('north', patient, had['north']);
    await rig.desk('south', patient, had['south']);
  });
  after(async () => {
    await gateway?.stop();
    await sql.end();
    await rig.close();
  });

  const count = async (): Promise<Record<string, number>> => {
    const tables = await sql`select relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`;
    const found: Record<string, number> = {};
    for (const { name } of tables) found[name] = Number((await sql`select count(*) as n from ${sql(name)}`)[0]?.['n']);
    return found;
  };
  const openWrites = async (): Promise<readonly Write[]> =>
    sql<Write[]>`select marker, state, promised_at::text as promised from writes where state = 'open' order by marker`;
  /** Counts how often the desks show each of our writes, by marker. */
  const shown = (desks: Iterable<DeskTicket>): Map<string, number> => {
    const found = new Map<string, number>();
    for (const { marker, actions } of desks)
      for (const one of [marker, ...actions.map((action) => action.marker)])
        if (one != null) found.set(one, (found.get(one) ?? 0) + 1);
    return found;
  };
  const shownBefore = (): Map<string, number> => shown(Object.values(had).flat());

  it('has recorded for every action the hash that this version computes, so that nothing signed before changes', () => {
    assert.deepEqual(wrongBefore, []);
    assert.ok((counted['actions'] ?? 0) > 40);
  });

  it('has after the migration every row that it had, each of the entity "ticket", at its link’s first or second place', async () => {
    // Tables that this version adds begin empty.
    const {
      put_off: putOff,
      unused_files: unusedFiles,
      erasures,
      generations,
      content_keys: contentKeys,
      trials,
      saved_settings: savedSettings,
      ...kept
    } = await count();
    assert.deepEqual(kept, counted);
    assert.deepEqual([putOff, unusedFiles, erasures, generations, contentKeys, trials], [0, 0, 0, 0, 0, 0]);
    // What is in force is the first version that is kept.
    assert.equal(savedSettings, 2, 'a version of each link, and of each profile, of which there are none');
    for (const table of ['tickets', 'actions', 'hints', 'writes', 'written_ids', 'feeds']) {
      const entities = await sql`select distinct entity from ${sql(table)}`;
      assert.deepEqual([...entities], [{ entity: 'ticket' }], table);
    }
    const mirrors = await sql`select distinct first_instance, first_entity, second_instance, second_entity from mirrors
      order by 1`;
    assert.deepEqual(
      mirrors.map((row) => Object.values(row)),
      [
        ['acme', 'ticket', 'north', 'ticket'],
        ['north', 'ticket', 'south', 'ticket'],
      ],
    );
    const sides = await sql`select distinct side, place from sides order by 1`;
    assert.deepEqual(
      sides.map((row) => Object.values(row)),
      [
        ['customer', 'first'],
        ['supplier', 'second'],
      ],
    );
  });

  it('proceeds under load, while a worker is killed, and nothing is lost or doubled', async () => {
    assert.equal(open.length, 8, 'the fixture has writes in doubt');
    const secret = 'of-the-hook';
    await sql`update instances set hook_secret_hash = ${createHash('sha256').update(secret).digest('hex')}`;
    gateway = await startProgram({
      program: 'bench/programs/gateway.ts',
      env: rig.env,
      ready: /"ready":true/,
      readyWithinMs: 90_000,
    });
    const { url } = JSON.parse(gateway.stdout().trim().split('\n').at(-1) ?? '') as { url: string };
    for (const desk of [acme, north]) await desk.control({ hook: `${url}/hooks/${desk.id}/${secret}` });

    const pairs = await sql<{ near: string; far: string | null }[]>`
      select first_ticket as near, second_ticket as far from mirrors where link = 'acme-north'`;
    const load = async (round: number): Promise<void> => {
      for (const { near, far } of pairs) {
        await acme.control({ act: { ticket: near, note: `<p>load ${round} at ${near}</p>` } });
        if (far !== null) await north.control({ act: { ticket: far, note: `<p>load ${round} at ${far}</p>` } });
      }
    };
    const first = await rig.spawnWorker();
    await load(1);
    await load(2);
    await first.kill9();
    const second = rig.spawnWorker();
    await load(3);
    await second;
    await load(4);
    await rig.settled(150_000);
    await rig.check();

    // Each of the texts that people wrote at one desk is at the other once.
    const texts = ({ desk }: RigDesk): string[] =>
      [...desk.tickets.values()].flatMap(({ description, actions }) => [
        description,
        ...actions.map(({ note }) => note ?? ''),
      ]);
    const times = (at: RigDesk, text: string): number => texts(at).filter((one) => one.includes(`>${text}<`)).length;
    for (const note of ['doubt zero', 'doubt one', 'doubt two', 'doubt three', 'doubt four', 'doubt five'])
      assert.deepEqual([times(acme, note), times(north, note)], [1, 1], note);
    for (const note of ['doubt opened', 'doubt unopened', 'behind doubt opened', 'behind doubt unopened'])
      assert.equal(times(north, note), 1, note);
    for (let n = 0; n < 7; n += 1) {
      for (const which of ['past', 'unread', ...(n < 4 || n === 6 ? ['first behind', 'second behind'] : [])])
        assert.equal(times(north, `${which} ${n} of acme`), 1, `${which} ${n} of acme`);
      for (const which of ['past', 'unread', ...(n >= 4 ? ['first behind', 'second behind'] : [])])
        assert.equal(times(acme, `${which} ${n} of north`), 1, `${which} ${n} of north`);
    }
    for (let round = 1; round <= 4; round += 1)
      for (const { near, far } of pairs) {
        assert.equal(times(north, `load ${round} at ${near}`), 1, `load ${round} at ${near}`);
        if (far !== null) assert.equal(times(acme, `load ${round} at ${far}`), 1, `load ${round} at ${far}`);
      }
  });

  it('has found the writes in doubt by their old markers: what a desk had is kept, what none had was made again', async () => {
    const known = shownBefore();
    const adopted = open.filter(({ marker }) => known.has(marker));
    assert.equal(adopted.length, 4, 'the desks had half of them');
    for (const { marker, promised } of open) {
      const [now] = await sql<
        Write[]
      >`select state, promised_at::text as promised from writes where marker = ${marker}`;
      assert.equal(now?.state, 'settled', marker);
      if (known.has(marker)) assert.equal(now.promised, promised, 'it was not promised again');
      else assert.notEqual(now.promised, promised, 'it was promised again');
    }
    const after = shown([...acme.desk.tickets.values(), ...north.desk.tickets.values()]);
    for (const { marker } of open) assert.equal(after.get(marker), 1, marker);
    const created = [...north.desk.tickets.values()].filter(({ description }) => description.includes('doubt opened'));
    assert.deepEqual(
      created.map(({ id }) => id),
      (had['north'] ?? []).filter(({ description }) => description.includes('doubt opened')).map(({ id }) => id),
    );
  });
});
