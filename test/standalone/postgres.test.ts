import assert from 'node:assert/strict';
import { cp, lstat, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import postgres from 'postgres';

import { StandaloneError } from '#standalone/machine/errors.ts';
import { packageDirectory, preparePostgres } from '#standalone/machine/postgres-binaries.ts';
import { startPostgres } from '#standalone/machine/postgres.ts';
import type { RunningPostgres } from '#standalone/machine/postgres.ts';

import { startProgram } from '#test/support/process.ts';
import { tempDir } from '#test/support/temp.ts';
import type { TempDir } from '#test/support/temp.ts';

let temp: TempDir;
before(async () => {
  temp = await tempDir();
});
after(async () => {
  // Left only by a failed test.
  for (const running of started) await running.stop();
  await temp.remove();
});

const started: RunningPostgres[] = [];

async function start(
  dataDir: string,
  more: { readonly port?: number; readonly durable?: boolean } = {},
): Promise<RunningPostgres> {
  const logFile = join(temp.path, 'postgres.log');
  const running = await startPostgres({ dataDir, durable: false, logFile, ...more });
  started.push(running);
  return running;
}

test('a database can be used at once, in UTF-8 and UTC, with its own password', async () => {
  const running = await start(join(temp.path, 'a'));
  await running.createDatabase('ferry');
  await running.createDatabase('ferry');
  const sql = postgres(running.url('ferry'), { max: 1 });
  const [row] = await sql`
    select current_setting('server_encoding') as encoding, current_setting('timezone') as zone,
           current_setting('password_encryption') as password, current_setting('listen_addresses') as listens`;
  assert.deepEqual({ ...row }, { encoding: 'UTF8', zone: 'UTC', password: 'scram-sha-256', listens: '127.0.0.1' });
  await sql.end();
  const wrong = postgres(running.url('ferry').replace(running.password, 'guess'), { max: 1 });
  await assert.rejects(wrong`select 1`.execute(), { code: '28P01' });
  await wrong.end();
  assert.equal((await stat(join(temp.path, 'a', 'postgres.password'))).mode & 0o777, 0o600);
  await running.stop();
  const { code } = await running.ended;
  assert.equal(code, 0);
});

test('a statement that fails does not bring what it holds into the log', async () => {
  const running = await start(join(temp.path, 'a'));
  const sql = postgres(running.url('ferry'), { max: 1, onnotice: () => {} });
  await sql`create table t (note text unique)`;
  await sql`insert into t values ('PLANTED-note')`;
  await assert.rejects(sql`insert into t values ('PLANTED-note')`.execute(), { code: '23505' });
  await assert.rejects(sql.unsafe("select 'PLANTED-note' from nowhere"));
  await sql.end();
  await running.stop();
  assert.doesNotMatch(await readFile(join(temp.path, 'postgres.log'), 'utf8'), /PLANTED/);
});

test('a crash loses nothing that was committed, and the stale pid file does no harm', async () => {
  const dataDir = join(temp.path, 'b');
  const running = await start(dataDir, { durable: true });
  const sql = postgres(running.url('postgres'), { max: 1, onnotice: () => {}, onclose: () => {} });
  await sql`create table t (n int)`;
  await sql`insert into t values (1)`;
  await running.kill9();
  await sql.end({ timeout: 1 });
  // Somebody else has the pid by now.
  const other = await startProgram({ program: 'test/standalone/stubs/worker.ts', ready: /ready/ });
  const file = join(dataDir, 'postgres', 'postmaster.pid');
  const lines = (await readFile(file, 'utf8')).split('\n');
  await writeFile(file, lines.with(0, String(other.pid)).with(2, '1000000000').join('\n'));

  const again = await start(dataDir);
  const after = postgres(again.url('postgres'), { max: 1 });
  assert.deepEqual([...(await after`select n from t`)], [{ n: 1 }]);
  await after.end();
  await again.stop();
  assert.equal((await other.stop()).code, 0);
});

test('a server that an earlier start left on the same data is ended first', async () => {
  const dataDir = join(temp.path, 'b');
  const first = await start(dataDir);
  const second = await start(dataDir);
  const ending = await first.ended;
  assert.equal(ending.code, 0);
  await second.stop();
});

test('an initdb that was broken off is done again', async () => {
  const dataDir = join(temp.path, 'c');
  await mkdir(join(dataDir, 'postgres.new', 'base'), { recursive: true });
  const running = await start(dataDir);
  await running.stop();
  assert.equal((await readdir(dataDir)).includes('postgres.new'), false);
});

test('a taken port is named, with the option that changes it', async () => {
  const first = await start(join(temp.path, 'c'));
  await assert.rejects(start(join(temp.path, 'd'), { port: first.port }), (error) => {
    assert.ok(error instanceof StandaloneError);
    assert.equal(error.code, 'port-taken');
    assert.match(error.message, new RegExp(`port ${first.port} .*--postgres-port`));
    return true;
  });
  await first.stop();
});

test('library links that a skipped install script left out are made', async () => {
  const copy = join(temp.path, 'package');
  await cp(packageDirectory(), copy, { recursive: true, verbatimSymlinks: true });
  const lib = join(copy, 'native', 'lib');
  const links: string[] = [];
  for (const name of await readdir(lib))
    if ((await lstat(join(lib, name))).isSymbolicLink()) {
      links.push(name);
      await rm(join(lib, name));
    }
  const version = async (program: string): Promise<string> => {
    const run = await startProgram({ program: 'postgres', command: program, args: ['--version'] });
    await run.ended;
    return run.output();
  };
  if (process.platform === 'linux')
    assert.match(await version(join(copy, 'native', 'bin', 'initdb')), /cannot open shared object/);

  const inPlace = await preparePostgres(copy, undefined);
  assert.match(await version(inPlace.initdb), /PostgreSQL\) 18/);
  assert.equal(inPlace.major, '18');
  for (const name of links) assert.ok((await lstat(join(lib, name))).isSymbolicLink());

  for (const name of links) await rm(join(lib, name));
  const copied = await preparePostgres(copy, join(temp.path, 'state'));
  assert.match(await version(copied.initdb), /PostgreSQL\) 18/);
});

test('started by root, it runs as a user that nothing else of this machine runs as, and whose files nobody else reads', async (t) => {
  if (process.getuid?.() !== 0 || process.platform !== 'linux')
    return t.skip('only root, on Linux, runs PostgreSQL as a user of its own');
  const running = await start(join(temp.path, 'own-user'));
  try {
    const cluster = await stat(join(temp.path, 'own-user', 'postgres'));
    assert.equal(cluster.mode & 0o077, 0, 'neither group nor others may enter');
    const { uid } = await stat(`/proc/${running.pid}`);
    assert.equal(uid, cluster.uid);
    const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
    assert.equal(users.find(([name]) => name === 'ferry-postgres')?.[2], String(uid));
    assert.equal(users.filter(([, , id]) => id === String(uid)).length, 1);
  } finally {
    await running.stop();
  }
});

test('programs in a home that others may not enter run from a copy', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root runs PostgreSQL as somebody else');
  const home = join(temp.path, 'home');
  await mkdir(home, { mode: 0o700 });
  await cp(packageDirectory(), join(home, 'package'), { recursive: true, verbatimSymlinks: true });
  const { initdb } = await preparePostgres(join(home, 'package'), join(temp.path, 'state2'));
  const run = await startProgram({
    program: 'initdb',
    command: initdb,
    args: ['--version'],
    uid: 65534,
    gid: 65534,
  });
  assert.equal((await run.ended).code, 0, run.output());
});

test('a full disk is one clear error, and nothing half-made is taken for data', async (t) => {
  const dir = join(temp.path, 'small');
  await mkdir(dir);
  const mount = await startProgram({
    program: 'mount',
    command: 'mount',
    args: ['-t', 'tmpfs', '-o', 'size=16m,mode=711', 'tmpfs', dir],
  }).catch(() => undefined);
  if (mount === undefined || (await mount.ended).code !== 0)
    return t.skip('a small file system cannot be mounted here');
  try {
    await assert.rejects(start(dir), (error) => {
      assert.ok(error instanceof StandaloneError);
      assert.equal(error.code, 'disk-full');
      return true;
    });
    assert.equal((await readdir(dir)).includes('postgres'), false);
  } finally {
    const umount = await startProgram({ program: 'umount', command: 'umount', args: [dir] });
    await umount.ended;
  }
});
