import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';
import { Client, Connection } from '@temporalio/client';

import { StandaloneError } from '#standalone/machine/errors.ts';
import { downloadTemporal } from '#standalone/machine/temporal-download.ts';
import { cacheDirectory, findTemporal, isAtLeast, readVersion } from '#standalone/machine/temporal-find.ts';
import type { FindOptions } from '#standalone/machine/temporal-find.ts';
import { serverVersion, startTemporal } from '#standalone/machine/temporal.ts';

import { testTemporal } from '#test/support/services.ts';
import { tempDir } from '#test/support/temp.ts';
import type { TempDir } from '#test/support/temp.ts';

let temp: TempDir;
before(async () => {
  temp = await tempDir();
});
after(() => temp.remove());

/** A program that only prints its version. */
async function fake(path: string, version = '1.5.1 (Server 1.29.1, UI 2.42.1)'): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho "temporal version ${version}"\n`);
  await chmod(path, 0o755);
  return path;
}

type Case = { readonly dir: string; readonly options: FindOptions; readonly calls: string[] };

async function scene(more: Partial<FindOptions> = {}): Promise<Case> {
  const dir = await mkdtemp(join(temp.path, 'find-'));
  const calls: string[] = [];
  const options: FindOptions = {
    env: { PATH: `${join(dir, 'bin')}:/usr/bin:/bin`, HOME: join(dir, 'home') },
    cacheDir: join(dir, 'cache'),
    progress: () => {},
    download: async () => {
      calls.push('download');
      throw new Error('temporal.download cannot be reached');
    },
    build: async () => {
      calls.push('build');
      throw new Error('Go is not installed');
    },
    ...more,
  };
  return { dir, options, calls };
}

suite('a Temporal is looked for', () => {
  test('on the PATH first', async () => {
    const { dir, options, calls } = await scene();
    const onPath = await fake(join(dir, 'bin', 'temporal'));
    await fake(join(dir, 'home', 'go', 'bin', 'temporal'));
    await fake(join(dir, 'cache', 'temporal'));
    assert.deepEqual(await findTemporal(options), { path: onPath, from: 'path' });
    assert.deepEqual(calls, []);
  });

  test("then among Go's programs, then in the cache", async () => {
    const { dir, options, calls } = await scene();
    const cached = await fake(join(dir, 'cache', 'temporal'));
    assert.deepEqual(await findTemporal(options), { path: cached, from: 'cache' });
    const gone = await fake(join(dir, 'home', 'go', 'bin', 'temporal'));
    assert.deepEqual(await findTemporal(options), { path: gone, from: 'go' });
    assert.deepEqual(calls, []);
  });

  test('then it is downloaded, and built only if that fails, both into the cache', async () => {
    const downloaded = await scene({ download: async ({ target }) => void (await fake(target)) });
    assert.deepEqual(await findTemporal(downloaded.options), {
      path: join(downloaded.dir, 'cache', 'temporal'),
      from: 'download',
    });
    const built = await scene({
      build: async ({ target }) => void (await fake(target, '0.0.0-DEV (Server 1.29.1, UI 2.42.1)')),
    });
    assert.equal((await findTemporal(built.options)).from, 'build');
    assert.deepEqual(built.calls, ['download']);
    assert.equal((await findTemporal(built.options)).from, 'cache');
  });

  test('and if all fails the error lists everything that was tried, and what to do', async () => {
    const { options, calls } = await scene();
    await assert.rejects(findTemporal(options), (error) => {
      assert.ok(error instanceof StandaloneError);
      assert.equal(error.code, 'temporal-not-found');
      assert.equal(error.exitCode, 69);
      const places = ['TEMPORAL_ADDRESS', 'PATH', 'cache', 'download', 'go install', 'Install'];
      const found = places.map((place) => error.message.indexOf(place));
      assert.deepEqual(
        found,
        found.toSorted((a, b) => a - b),
        error.message,
      );
      assert.ok(found[0] !== -1);
      return true;
    });
    assert.deepEqual(calls, ['download', 'build']);
  });

  test('an old one on the PATH is an error that says so; elsewhere it is passed over', async () => {
    const { dir, options } = await scene();
    const go = await fake(join(dir, 'home', 'go', 'bin', 'temporal'), '1.2.0 (Server 1.26.2)');
    const cached = await fake(join(dir, 'cache', 'temporal'));
    assert.equal((await findTemporal(options)).path, cached);
    await fake(join(dir, 'bin', 'temporal'), '1.4.9 (Server 1.28.0, UI 2.30)');
    await assert.rejects(findTemporal(options), {
      code: 'temporal-too-old',
      message: /1\.4\.9 .*1\.5\.0 or later/,
    });
    assert.ok(go);
  });

  test('a program on the PATH that only shares the name is an error, not a start', async () => {
    const { dir, options } = await scene();
    await fake(join(dir, 'bin', 'temporal'));
    await writeFile(join(dir, 'bin', 'temporal'), '#!/bin/sh\nexit 3\n');
    await assert.rejects(findTemporal(options), { code: 'temporal-too-old' });
  });

  test('outside of the checkout is where the cache lies', () => {
    const root = process.getuid?.() === 0;
    assert.equal(cacheDirectory({ XDG_CACHE_HOME: '/x' }), root ? '/var/lib/ferry/cache' : '/x/ferry');
  });
});

test('versions are read from what the programs print', () => {
  assert.equal(readVersion('temporal version 1.5.0 (Server 1.29.0, UI 2.41.0)').recent, true);
  assert.equal(readVersion('temporal version 1.10.0').recent, true);
  assert.equal(readVersion('temporal version 1.4.1 (Server 1.28.1, UI 2.39)').recent, false);
  assert.equal(readVersion('temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)').recent, true);
  assert.equal(readVersion('temporal version 0.0.0-DEV (Server 1.20.1, UI 2.1)').recent, false);
  assert.equal(readVersion('tctl 1.18').recent, false);
  assert.ok(isAtLeast('1.29.0', '1.29.0') && isAtLeast('2.0.0', '1.29.0') && !isAtLeast('1.3.9', '1.29.0'));
});

test('without a network the download gives up in seconds', { timeout: 15_000 }, async (t) => {
  const target = join(temp.path, 'never', 'temporal');
  // A test must not fetch anything, even with a network.
  t.mock.method(globalThis, 'fetch', () => Promise.reject(new TypeError('fetch failed')));
  const pinned = { [`${process.platform}-${process.arch}`]: '0'.repeat(64) };
  await assert.rejects(downloadTemporal({ target, progress: () => {}, pinned }), /cannot be reached/);
});

suite('a downloaded program', () => {
  /** An archive like the one of Temporal's server, and its checksum. */
  async function archive(t: TestContext): Promise<string> {
    const dir = await mkdtemp(join(temp.path, 'archive-'));
    await writeFile(join(dir, 'temporal'), '#!/bin/sh\necho temporal version 1.5.1\n');
    execFileSync('tar', ['-czf', join(dir, 'a.tar.gz'), '-C', dir, 'temporal']);
    const bytes = await readFile(join(dir, 'a.tar.gz'));
    t.mock.method(globalThis, 'fetch', () => Promise.resolve(new Response(bytes)));
    return createHash('sha256').update(bytes).digest('hex');
  }
  const here = `${process.platform}-${process.arch}`;

  test('is refused where no checksum is pinned for this platform, before anything is fetched', async (t) => {
    await archive(t);
    const target = join(temp.path, 'unpinned', 'temporal');
    await assert.rejects(downloadTemporal({ target, progress: () => {}, pinned: {} }), /--unchecked-download/);
    assert.equal(existsSync(target), false);
    await downloadTemporal({ target, progress: () => {}, pinned: {}, unchecked: true });
    assert.equal(existsSync(target), true);
  });

  test('is refused and deleted where it is another than the pinned one, asked for or not', async (t) => {
    const checksum = await archive(t);
    const target = join(temp.path, 'pinned', 'temporal');
    for (const unchecked of [false, true]) {
      const pinned = { [here]: '0'.repeat(64) };
      await assert.rejects(downloadTemporal({ target, progress: () => {}, pinned, unchecked }), /has the checksum/);
      assert.equal(existsSync(target), false);
    }
    await downloadTemporal({ target, progress: () => {}, pinned: { [here]: checksum } });
    assert.equal(existsSync(target), true);
  });
});

test('a TEMPORAL_ADDRESS that answers is used, and nothing is started', async () => {
  const address = await testTemporal();
  const used = await startTemporal({
    dataDir: join(temp.path, 'unused'),
    logFile: join(temp.path, 'unused.log'),
    env: { TEMPORAL_ADDRESS: address },
  });
  assert.equal(used.address, address);
  assert.equal(used.pid, undefined);
  await used.stop();
  assert.ok(isAtLeast(await serverVersion(address), '1.29.0'));
});

test('what a dev server of our own keeps survives its crash', { timeout: 120_000 }, async () => {
  const options = {
    dataDir: join(temp.path, 'kept'),
    logFile: join(temp.path, 'kept.log'),
    env: { ...process.env, TEMPORAL_ADDRESS: '' },
  };
  const first = await startTemporal(options);
  const id = 'kept-workflow';
  await withClient(first.address, (client) =>
    client.workflow.start('nobodyRunsIt', { workflowId: id, taskQueue: 'none' }),
  );
  await first.kill9();
  const second = await startTemporal(options);
  await withClient(second.address, async (client) => {
    const { status } = await client.workflow.getHandle(id).describe();
    assert.equal(status.name, 'RUNNING');
  });
  await second.stop();
});

test('a taken port for Temporal is named', async () => {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  await assert.rejects(
    startTemporal({
      dataDir: join(temp.path, 'taken'),
      logFile: join(temp.path, 'taken.log'),
      inMemory: true,
      port,
      env: { ...process.env, TEMPORAL_ADDRESS: '' },
    }),
    { code: 'port-taken' },
  );
  server.close();
});

async function withClient(address: string, use: (client: Client) => Promise<unknown>): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}
