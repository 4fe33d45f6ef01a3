import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection as TemporalConnection } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { queueOf } from '#workflows/contract.ts';
import { workflowBundle } from '#test/federation/bundle.ts';
import { opened, startRig, type Rig, type RigDesk } from '#test/federation/rig.ts';
import { testTemporal } from '#test/support/services.ts';
import { tempDir, type TempDir } from '#test/support/temp.ts';
import { until } from '#test/support/wait.ts';

describe('what an earlier version has recorded', () => {
  let dir: TempDir;
  before(async () => {
    dir = await tempDir();
    Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  });
  after(() => dir.remove());

  const history = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(new URL(`histories/${name}.json`, import.meta.url), 'utf8'));
  const replay = (codePath: string, recorded: unknown): Promise<void> =>
    Worker.runReplayHistory({ workflowBundle: { codePath } }, recorded, 'recorded');

  for (const name of ['carry', 'watch', 'connect']) {
    it(`by ${name} can be followed by this one`, async () => {
      await replay(await workflowBundle(dir.path), await history(name));
    });
  }

  it('is refused if the code does something else, so that the three previous tests can fail', async () => {
    await assert.rejects(replay(await otherBundle(dir.path), await history('watch')), /[Nn]on-?determin/);
  });
});

/** The workflows with a watcher that pauses before each reading: no history of today's can be its own. */
async function otherBundle(directory: string): Promise<string> {
  const code = await readFile(await workflowBundle(directory), 'utf8');
  const changed = code.replaceAll(
    'await read(number)',
    'await new Promise((done) => setTimeout(done, 1)); await read(number)',
  );
  assert.notEqual(changed, code);
  const path = join(directory, 'other.js');
  await writeFile(path, changed);
  return path;
}

describe('a new version of the workflows’ code, under load', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  let dir: TempDir;
  let client: Client;
  let temporal: TemporalConnection;
  before(async () => {
    dir = await tempDir();
    rig = await startRig('versions');
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north');
    temporal = await TemporalConnection.connect({ address: await testTemporal() });
    client = new Client({ connection: temporal, namespace: rig.namespace });
  });
  after(async () => {
    await rig.close();
    await temporal.close();
    await dir.remove();
  });

  const watchers = async (status: string): Promise<readonly { id: string; queue: string }[]> => {
    const found: { id: string; queue: string }[] = [];
    const query = `WorkflowType = 'watch' and ExecutionStatus = '${status}'`;
    for await (const { workflowId, taskQueue } of client.workflow.list({ query }))
      found.push({ id: workflowId, queue: taskQueue });
    return found;
  };
  const worker = async (version: string, bundle: string): ReturnType<Rig['spawnWorker']> =>
    rig.spawnWorker({}, '', { FERRY_TEST_VERSION: version, FERRY_TEST_BUNDLE: bundle });
  /** Writes notes until the returned function is called, which returns how many there were. */
  const load = (ticket: string): (() => Promise<number>) => {
    let stopped = false;
    let count = 0;
    const writing = (async () => {
      while (!stopped) {
        count += 1;
        await acme.note(ticket, `<p>${count}</p>`);
        await sleep(200);
      }
    })();
    return async () => {
      stopped = true;
      await writing;
      return count;
    };
  };
  const arrive = (far: string, count: number): Promise<unknown> =>
    until(() => north.ticket(far).actions.length >= count || undefined, { what: `${count} notes`, timeoutMs: 90_000 });

  it('takes over from the previous one and is rolled back: everything continues, and nothing arrives twice', async () => {
    const plain = await workflowBundle(dir.path);
    const other = await otherBundle(dir.path);
    const first = await worker('1', plain);
    await rig.live();
    const { ticket, far } = await opened(acme, north);
    const stop = load(ticket);
    await arrive(far, 3);
    const second = await worker('2', other);
    await arrive(far, north.ticket(far).actions.length + 3);
    await first.stop();
    await arrive(far, north.ticket(far).actions.length + 5);
    await second.kill9();
    const back = await worker('1', plain);
    await arrive(far, north.ticket(far).actions.length + 5);
    await arrive(far, await stop());
    await rig.check();
    assert.ok((await watchers('Running')).some(({ queue }) => queue === queueOf('1')));
    await back.stop();
  });

  it('that was mistaken for the previous one fails what it cannot replay, starts it again, and keeps reading', async () => {
    const before = await worker('1', await workflowBundle(dir.path));
    const { ticket, far } = await opened(acme, north);
    await before.stop();
    await worker('1', await otherBundle(dir.path));
    const stop = load(ticket);
    await arrive(far, 5);
    await until(async () => (await watchers('Failed')).length > 0 || undefined, {
      what: 'the run to fail',
      timeoutMs: 90_000,
    });
    await until(
      async () => (await watchers('Running')).filter(({ queue }) => queue === queueOf('1')).length === 2 || undefined,
      { what: 'both watchers to run again', timeoutMs: 90_000 },
    );
    await arrive(far, await stop());
    await rig.check();
  });
});
