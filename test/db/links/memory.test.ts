import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { after, before, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import { createWitness } from '#blobs/witness.ts';
import { connect, rows, type Client, type Connection } from '#db/base/client.ts';
import { migrate } from '#db/base/migrate.ts';
import { createMemory, type Memory } from '#db/links/memory.ts';
import { setLinkState } from '#db/links/link-life.ts';
import { startPostgres, type RunningPostgres } from '#standalone/machine/postgres.ts';
import { freshDatabase, withDatabase, type TestDatabase } from '#test/support/database.ts';
import { testPostgres } from '#test/support/services.ts';
import { tempDir, type TempDir } from '#test/support/temp.ts';

const run = promisify(execFile);
const publicUrl = undefined;

/** A process that has begun on the database, with a clock that only the test moves. */
type Process = Memory & { later(): void };

async function started(db: Client, blobs: string): Promise<Process> {
  let now = 0;
  const memory = createMemory({
    db,
    publicUrl,
    witness: createWitness(blobs),
    log: { warn: () => undefined },
    clock: () => ({ wall: now, running: now }),
  });
  await memory.begin();
  return { ...memory, later: () => void (now += 10_000) };
}

async function fill(db: Client): Promise<void> {
  for (const [id, state] of [
    ['one', 'active'],
    ['two', 'active'],
    ['resting', 'suspended'],
    ['over', 'closed'],
    ['ending', 'closing'],
  ])
    await db.execute(sql`insert into links (id, state, settings) values (${id}, ${state}, '{}'::jsonb)`);
}

async function quarantined(db: Client): Promise<string[]> {
  const found = await rows<{ id: string }>(db, sql`select id from links where state = 'quarantined' order by id`);
  return found.map(({ id }) => id);
}

async function resume(db: Client): Promise<void> {
  for (const id of await quarantined(db)) await setLinkState(db, id, 'active', null);
}

const all = ['one', 'resting', 'two'];

describe('a database that was restored to an earlier state', () => {
  let database: TestDatabase;
  let connection: Connection;
  let blobs: TempDir;
  let db: Client;
  beforeEach(async () => {
    database = await freshDatabase('memory');
    connection = connect(database.url, { max: 4, name: 'memory' });
    ({ db } = connection);
    blobs = await tempDir();
    await fill(db);
  });
  const end = async (): Promise<void> => {
    await connection.close();
    await database.drop();
    await blobs.remove();
  };

  it('is noticed at the next start where the newest rows are gone, and all links are quarantined, once', async () => {
    const worker = await started(db, blobs.path);
    const [backup] = await rows<{ generation: number; beats: number }>(
      db,
      sql`select generation, beats from generations`,
    );
    worker.later();
    assert.equal(await worker.isWhole(), true);
    await worker.end();
    assert.deepEqual(await quarantined(db), []);
    await db.execute(sql`update generations set beats = ${backup?.beats ?? 0}`);
    await started(db, blobs.path);
    assert.deepEqual(await quarantined(db), all);
    const notices = await rows<{ link: string }>(
      db,
      sql`select link from notices where cleared_at is null order by link`,
    );
    assert.deepEqual(
      notices.map(({ link }) => link),
      all,
      'a notice for each',
    );
    const [ending] = await rows<{ state: string; looks: boolean }>(
      db,
      sql`select state, resumed_at is not null as looks from links where id = 'ending'`,
    );
    assert.deepEqual(
      { ...ending },
      { state: 'closing', looks: true },
      'what closes looks before it writes its last notes',
    );
    await resume(db);
    await started(db, blobs.path);
    assert.deepEqual(await quarantined(db), [], 'what was noticed is not noticed again');
    await end();
  });

  it('is noticed where the rows of whole starts are gone, all of them too, and where their numbers were given again', async () => {
    await started(db, blobs.path);
    for (const back of [
      sql`delete from generations where generation = (select max(generation) from generations)`,
      sql`delete from generations`,
      sql`update generations set nonce = gen_random_uuid() where generation = (select max(generation) from generations)`,
    ]) {
      await resume(db);
      await started(db, blobs.path);
      assert.deepEqual(await quarantined(db), []);
      await db.execute(back);
      await started(db, blobs.path);
      assert.deepEqual(await quarantined(db), all);
    }
    await end();
  });

  it('is noticed by a running process before it carries anything more, and the process continues in quarantine', async () => {
    const worker = await started(db, blobs.path);
    const other = await started(db, blobs.path);
    assert.equal(await worker.isWhole(), true, 'a moment after a beat nobody asks');
    await db.execute(sql`delete from generations`);
    worker.later();
    const asked = await Promise.all([worker.isWhole(), worker.isWhole()]);
    assert.deepEqual(asked, [false, false]);
    assert.deepEqual(await quarantined(db), all);
    other.later();
    assert.equal(await other.isWhole(), false);
    worker.later();
    assert.equal(await worker.isWhole(), true);
    await end();
  });

  it('is distinguished from one that is unchanged, however many processes start, run and end side by side', async () => {
    const processes = await Promise.all([1, 2, 3, 4].map(() => started(db, blobs.path)));
    for (let round = 0; round < 5; round += 1) {
      const others = processes.map(async (one) => {
        one.later();
        assert.equal(await one.isWhole(), true);
      });
      await Promise.all([...others, started(db, blobs.path)]);
    }
    for (const one of processes) await one.end();
    await started(db, blobs.path);
    assert.deepEqual(await quarantined(db), []);
    await end();
  });

  it('is distinguished from a blob directory that is new, was lost, was restored itself, or was another database’s', async () => {
    const worker = await started(db, blobs.path);
    const witness = createWitness(blobs.path);
    const earlier = await witness.read();
    worker.later();
    await worker.isWhole();
    await worker.end();
    await rm(join(blobs.path, 'witness'), { recursive: true });
    await started(db, blobs.path);
    assert.deepEqual(await quarantined(db), []);
    for (const one of earlier) await witness.write(one);
    await started(db, blobs.path);
    assert.deepEqual(await quarantined(db), [], 'an older witness says nothing against it');
    await connection.close();
    await database.drop();

    database = await freshDatabase('memory');
    connection = connect(database.url, { max: 4, name: 'memory' });
    ({ db } = connection);
    await fill(db);
    await started(db, blobs.path);
    assert.deepEqual(await quarantined(db), [], 'a database that never ran has forgotten nothing');
    await end();
  });

  it('is distinguished from one beside which a clone runs on the same directory; only the clone is quarantined', async () => {
    const worker = await started(db, blobs.path);
    await connection.close();
    const server = postgres(await testPostgres(), { max: 1, onnotice: () => {} });
    const copy = `${database.name}_clone`;
    await server`create database ${server(copy)} template ${server(database.name)}`;
    connection = connect(database.url, { max: 4, name: 'memory' });
    ({ db } = connection);
    const clone = connect(withDatabase(await testPostgres(), copy), { max: 2, name: 'clone' });
    await started(clone.db, blobs.path);
    assert.deepEqual(await quarantined(clone.db), all);
    const again = await started(db, blobs.path);
    again.later();
    assert.equal(await again.isWhole(), true);
    assert.deepEqual(await quarantined(db), []);
    assert.ok(worker);
    await clone.close();
    await server`drop database ${server(copy)} with (force)`;
    await server.end();
    await end();
  });

  it('stops nobody where the directory takes no witness', async () => {
    const told: string[] = [];
    let now = 0;
    const memory = createMemory({
      db,
      publicUrl,
      witness: { ...createWitness(blobs.path), write: () => Promise.reject(new Error('full')) },
      log: { warn: (_detail, text) => void told.push(text) },
      clock: () => ({ wall: now, running: now }),
    });
    await memory.begin();
    now += 10_000;
    assert.equal(await memory.isWhole(), true);
    assert.match(told.join('\n'), /whether its disk is full/);
    await end();
  });
});

describe('a cluster of PostgreSQL whose files were copied', () => {
  let temp: TempDir;
  let blobs: TempDir;
  let running: RunningPostgres | undefined;
  const start = async (name: string): Promise<Connection> => {
    running = await startPostgres({
      dataDir: join(temp.path, name),
      durable: false,
      logFile: join(temp.path, 'postgres.log'),
    });
    await running.createDatabase('ferry');
    await migrate(running.url('ferry'));
    return connect(running.url('ferry'), { max: 3, name: 'memory' });
  };
  before(async () => {
    temp = await tempDir();
    blobs = await tempDir();
  });
  after(async () => {
    await running?.stop();
    await temp.remove();
    await blobs.remove();
  });
  const stop = async (connection: Connection): Promise<void> => {
    await connection.close();
    await running?.stop();
    running = undefined;
  };

  it('is noticed when they are copied back, and when its rows are loaded into another cluster', async () => {
    let connection = await start('a');
    await fill(connection.db);
    let worker = await started(connection.db, blobs.path);
    await stop(connection);
    await run('cp', ['-a', join(temp.path, 'a'), join(temp.path, 'backup')]);

    connection = await start('a');
    worker = await started(connection.db, blobs.path);
    worker.later();
    assert.equal(await worker.isWhole(), true);
    assert.deepEqual(await quarantined(connection.db), [], 'stopped and started it is what it was');
    await stop(connection);

    await rm(join(temp.path, 'a'), { recursive: true });
    await run('cp', ['-a', join(temp.path, 'backup'), join(temp.path, 'a')]);
    connection = await start('a');
    await started(connection.db, blobs.path);
    assert.deepEqual(await quarantined(connection.db), all);
    await resume(connection.db);

    const old = postgres(running?.url('ferry') ?? '', { max: 1 });
    const first = running;
    const other = await start('b');
    const into = postgres(running?.url('ferry') ?? '', { max: 1 });
    for (const table of ['links', 'gateway', 'generations']) {
      const source = await old`copy ${old(table)} to stdout`.readable();
      await pipeline(source, await into`copy ${into(table)} from stdin`.writable());
    }
    await started(other.db, blobs.path);
    assert.deepEqual(await quarantined(other.db), all);
    await old.end();
    await into.end();
    await stop(other);
    await connection.close();
    await first?.stop();
  });
});
