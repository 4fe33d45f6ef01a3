import assert from 'node:assert/strict';
import { readFile, readdir, rm, writeFile, mkdir, chown, chmod } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import postgres from 'postgres';

import { startNodeChild } from '#standalone/machine/node-child.ts';
import { isAlive, startTimeOf } from '#standalone/machine/process-identity.ts';
import { anyFreePort } from '#standalone/machine/ports.ts';
import type { StartOptions } from '#standalone/start.ts';

import { checkout, startProgram } from '#test/support/process.ts';
import type { Program } from '#test/support/process.ts';
import { testTemporal } from '#test/support/services.ts';
import { tempDir } from '#test/support/temp.ts';
import type { TempDir } from '#test/support/temp.ts';
import { until } from '#test/support/wait.ts';

type Ready = {
  readonly pid: number;
  readonly gateway: { readonly url: string };
  readonly postgres: { readonly url: string; readonly port: number };
  readonly temporal: { readonly address: string };
  readonly twins: Readonly<Record<string, { readonly url: string }>>;
  readonly pids: Readonly<Record<string, number>>;
  readonly demo: unknown;
};

const nobody = 65534;
const isRoot = process.getuid?.() === 0;
const main = 'test/standalone/stubs/start.ts';

let temp: TempDir;
let temporal: string;
let count = 0;

before(async () => {
  temp = await tempDir();
  temporal = await testTemporal();
});
after(() => temp.remove());

function freshData(): string {
  count += 1;
  return join(temp.path, `data-${count}`);
}

type Recorded = { readonly phase: string; readonly starter: { readonly pid: number } };

type Run = {
  readonly options: StartOptions;
  readonly ownTemporal?: boolean;
  readonly uid?: number;
};

function start({ options, ownTemporal, uid }: Run): Promise<Program> {
  const home = process.env['HOME'] ?? '/';
  return startProgram({
    program: main,
    args: [JSON.stringify(options)],
    env: ownTemporal === true ? { HOME: home } : { TEMPORAL_ADDRESS: temporal },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
}

async function startReady(run: Run): Promise<{ program: Program; ready: Ready }> {
  const program = await start({ ...run, options: { json: true, ...run.options } });
  const [line] = await program.line(/^\{"ready".*\}$/m, 90_000);
  return { program, ready: JSON.parse(line) as Ready };
}

/** Waits until nothing that was started is running any more. */
async function allGone(ready: Ready): Promise<void> {
  for (const [name, pid] of Object.entries(ready.pids))
    await until(async () => (await startTimeOf(pid)) === undefined, { what: `the end of ${name}` });
}

/** A start that must fail: one line, this code, this exit code. */
async function refuses(run: Run, code: string, exitCode: number): Promise<string> {
  const program = await start(run);
  const ended = await program.ended;
  const lines = program.stderr().trim().split('\n');
  const line = lines.at(-1) ?? '';
  assert.match(line, new RegExp(`^ferry: .*\\[${code}\\]$`), program.output());
  assert.equal(lines.length, 1, program.stderr());
  assert.equal(ended.code, exitCode);
  return line;
}

suite('a start', () => {
  test('with --json prints exactly one line on stdout, with every address, and each of them answers', async () => {
    const { program, ready } = await startReady({ options: { data: freshData() } });
    for (const url of [ready.gateway.url, ...Object.values(ready.twins).map((twin) => twin.url)])
      assert.equal((await fetch(url)).status, 200);
    const sql = postgres(ready.postgres.url, { max: 1 });
    const [row] = await sql`select current_database() as name, current_setting('fsync') as fsync`;
    assert.deepEqual({ ...row }, { name: 'ferry', fsync: 'on' });
    await sql.end();
    assert.deepEqual(ready.demo, {
      seeded: true,
      curl: { escalate: 'curl escalate', show: 'curl show' },
    });
    assert.equal((await program.stop(60_000)).code, 0);
    assert.equal(program.stdout().trimEnd().split('\n').length, 1);
    await allGone(ready);
  });

  test('keeps its data, passwords and ports over a restart, and --reset wipes them together', async () => {
    const data = freshData();
    const first = await startReady({ options: { data }, ownTemporal: true });
    const sql = postgres(first.ready.postgres.url, { max: 1 });
    await sql`create table kept (n int)`;
    await sql.end();
    await first.program.stop(60_000);
    const temporalBefore = await readdir(join(data, 'temporal'));
    assert.ok(temporalBefore.includes('temporal.db'));

    const second = await startReady({ options: { data }, ownTemporal: true });
    assert.equal(second.ready.postgres.url, first.ready.postgres.url);
    assert.equal(second.ready.gateway.url, first.ready.gateway.url);
    const again = postgres(second.ready.postgres.url, { max: 1 });
    assert.equal((await again`select * from kept`).length, 0);
    await again.end();
    await second.program.stop(60_000);

    await writeFile(join(data, 'temporal', 'mark'), '');
    const third = await startReady({ options: { data, reset: true } });
    assert.notEqual(third.ready.postgres.url, first.ready.postgres.url);
    const wiped = postgres(third.ready.postgres.url, { max: 1 });
    assert.deepEqual([...(await wiped`select to_regclass('kept') as t`)], [{ t: null }]);
    await wiped.end();
    assert.deepEqual(await readdir(join(data, 'temporal')), []);
    await third.program.stop(60_000);
  });

  test('that loses a port between finding it free and taking it tries others', async () => {
    const [twin, worker] = ['loser', 'worker'].map((name) => join(checkout, `test/standalone/stubs/${name}.ts`));
    const gateway = join(checkout, 'test/standalone/stubs/server.ts');
    const programs = { twin: twin ?? '', worker: worker ?? '', gateway };
    const { program, ready } = await startReady({ options: { data: freshData(), programs } });
    assert.match(
      program.stderr(),
      /^port \d+ for (?:acme|northwind) is taken by another program; trying other ports$/m,
    );
    assert.equal((await program.stop(60_000)).code, 0);
    await allGone(ready);
  });

  test('does not take for its own what another program answers at a port that it has taken', async () => {
    const other = createHttpServer((_request, response) => response.end('somebody else'));
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port));
    });
    const log = join(temp.path, 'twin.log');
    const twin = startNodeChild(
      {
        ...{ name: 'acme', program: join(checkout, 'test/standalone/stubs/server.ts'), args: ['--port', String(port)] },
        ...{ env: {}, logFile: log, ready: /^\{"url"/m, port: { number: port, option: '--acme-port' } },
      },
      async () => {},
    );
    await assert.rejects(twin, { code: 'port-taken' });
    other.close();
  });

  test('with --empty has no twins', async () => {
    const { program, ready } = await startReady({ options: { data: freshData(), empty: true } });
    assert.deepEqual(ready.twins, {});
    assert.deepEqual(Object.keys(ready.pids).toSorted(), ['gateway', 'postgres', 'worker']);
    await program.stop(60_000);
  });

  test('that is killed leaves everything to the next start, which stops it and continues', async () => {
    const data = freshData();
    const first = await startReady({ options: { data }, ownTemporal: true });
    await first.program.kill9();
    const left = Object.values(first.ready.pids);
    assert.equal(left.length, 6);
    assert.ok(left.every(isAlive));

    const second = await startReady({ options: { data }, ownTemporal: true });
    await allGone(first.ready);
    assert.equal(second.ready.postgres.port, first.ready.postgres.port);
    const order = [...second.program.stderr().matchAll(/ending (\w+) of an earlier/g)].map((m) => m[1]);
    assert.deepEqual(order, ['gateway', 'worker', 'acme', 'northwind', 'temporal', 'postgres']);
    assert.equal((await second.program.stop(60_000)).code, 0);
    await allGone(second.ready);
    assert.equal((await readdir(data)).includes('run.json'), false);
  });

  test('brings back what dies, PostgreSQL too, and says so in a line each', async () => {
    const { program, ready } = await startReady({ options: { data: freshData() } });
    for (const name of ['worker', 'gateway', 'postgres'] as const) {
      process.kill(ready.pids[name] ?? 0, 'SIGKILL');
      await program.line(new RegExp(`${name} ended by itself \\(SIGKILL\\); restarting it`));
      await program.line(new RegExp(`${name} is running again`));
    }
    assert.equal((await fetch(ready.gateway.url)).status, 200);
    const sql = postgres(ready.postgres.url, { max: 1 });
    assert.equal((await sql`select 1 as one`)[0]?.['one'], 1);
    await sql.end();
    const stopped = await program.stop(60_000);
    assert.equal(stopped.code, 0);
    assert.equal(await portAnswers(ready.postgres.port), false);
  });

  test('keeps running when nobody reads its output any more', async () => {
    const data = freshData();
    const shell = await startProgram({
      program: 'sh',
      command: '/bin/sh',
      args: [
        '-c',
        `"$0" "$1" "$2" | head -n 1`,
        process.execPath,
        join(checkout, main),
        JSON.stringify({ data, empty: true }),
      ],
      env: { TEMPORAL_ADDRESS: temporal },
    });
    const running = await until(
      async () => {
        const run = JSON.parse(await readFile(join(data, 'run.json'), 'utf8')) as Recorded;
        return run.phase === 'running' && run;
      },
      { what: 'a start whose reader is gone', timeoutMs: 60_000 },
    );
    process.kill(running.starter.pid, 'SIGTERM');
    await shell.ended;
    await until(async () => (await startTimeOf(running.starter.pid)) === undefined, { what: 'its end' });
  });

  test('that is asked to end while it starts stops what it began', async () => {
    const data = freshData();
    const program = await start({ options: { data } });
    await program.line(/starting gateway/);
    const run = JSON.parse(await readFile(join(data, 'run.json'), 'utf8')) as {
      children: { pid: number }[];
    };
    assert.equal((await program.stop(60_000)).code, 0);
    for (const { pid } of run.children) assert.equal(await startTimeOf(pid), undefined);
  });
});

suite('a start refuses with one line and an exit code', () => {
  test('a data directory on which another Ferry runs, naming it', async () => {
    const data = freshData();
    const { program, ready } = await startReady({ options: { data, empty: true } });
    const line = await refuses({ options: { data } }, 'already-running', 69);
    assert.match(line, new RegExp(`pid ${ready.pid}\\)`));
    assert.equal((await fetch(ready.gateway.url)).status, 200);
    await program.stop(60_000);
  });

  test('a port that the user named and another program has', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    const line = await refuses({ options: { data: freshData(), ports: { gateway: port } } }, 'port-taken', 69);
    assert.match(line, new RegExp(`port ${port} for the gateway .* --port`));
    server.close();
  });

  test('a directory that it may not write', { skip: !isRoot }, async () => {
    const dir = join(temp.path, 'closed');
    await mkdir(dir, { mode: 0o755 });
    const line = await refuses({ options: { data: join(dir, 'data') }, uid: nobody }, 'not-writable', 73);
    assert.match(line, /permission denied/);
  });

  test('a path at which a file exists', async () => {
    const file = join(temp.path, 'file');
    await writeFile(file, '');
    await refuses({ options: { data: file } }, 'not-writable', 73);
    await refuses({ options: { data: join(file, 'below') } }, 'not-writable', 73);
  });

  test('a directory with files that are not its own, which it leaves alone even with --reset', async () => {
    const dir = freshData();
    await mkdir(join(dir, 'postgres'), { recursive: true });
    await refuses({ options: { data: dir, reset: true } }, 'foreign-directory', 73);
    assert.deepEqual(await readdir(dir), ['postgres']);
  });

  test('for root, a directory below one that PostgreSQL may not enter', { skip: !isRoot }, async () => {
    const home = join(temp.path, 'home');
    await mkdir(home);
    await chmod(home, 0o700);
    const line = await refuses({ options: { data: join(home, 'data') } }, 'not-reachable', 73).catch(
      async (error: unknown) => {
        throw error;
      },
    );
    assert.match(line, new RegExp(`may not enter ${home}`));
  });

  test('data of another PostgreSQL, which stays unchanged', async () => {
    const data = freshData();
    const { program } = await startReady({ options: { data, empty: true } });
    await program.stop(60_000);
    await writeFile(join(data, 'postgres', 'PG_VERSION'), '15\n');
    const line = await refuses({ options: { data } }, 'other-postgres-major', 78);
    assert.match(line, /PostgreSQL 15 and this Ferry brings 18/);
  });

  test('data whose key of secrets is missing', async () => {
    const data = freshData();
    const { program } = await startReady({ options: { data, empty: true } });
    await program.stop(60_000);
    await rm(join(data, 'secret.key'));
    await refuses({ options: { data } }, 'broken-data', 78);
  });

  test('a TEMPORAL_ADDRESS where nothing answers', async () => {
    const program = await startProgram({
      program: main,
      args: [JSON.stringify({ data: freshData(), json: true })],
      env: { TEMPORAL_ADDRESS: `127.0.0.1:${await anyFreePort()}` },
    });
    assert.equal((await program.ended).code, 69);
    assert.match(program.stderr(), /ferry: no Temporal answers at .*\[temporal-unreachable\]/);
  });
});

test('somebody who is not root needs nothing of root', { skip: !isRoot }, async () => {
  const home = join(temp.path, 'nobody');
  await mkdir(home);
  await chown(home, nobody, nobody);
  await chmod(home, 0o700);
  const { program, ready } = await startReady({
    options: { data: join(home, 'data') },
    uid: nobody,
  });
  const status = await readFile(`/proc/${ready.pids['postgres']}/status`, 'utf8');
  assert.match(status, new RegExp(`^Uid:\\s+${nobody}\\s`, 'm'));
  assert.equal((await program.stop(60_000)).code, 0);
});

async function portAnswers(port: number): Promise<boolean> {
  const { isFree } = await import('#standalone/machine/ports.ts');
  return !(await isFree(port));
}
