import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows } from '#db/base/client.ts';
import { makeLog } from '#config/log.ts';
import { createApp } from '#gateway/app.ts';
import { serve } from '#gateway/serve.ts';
import type { Served } from '#gateway/serve.ts';
import { testPostgres } from '#test/support/services.ts';
import { until } from '#test/support/wait.ts';
import { post, startGateway } from './support.ts';
import type { TestGateway } from './support.ts';

let gateway: TestGateway;
let temporal = true;
before(async () => {
  gateway = await startGateway({ temporalUp: () => Promise.resolve(temporal) });
});
after(() => gateway.close());

test('/healthz and /version answer whatever else is wrong', async () => {
  assert.deepEqual(await (await fetch(`${gateway.url}/healthz`)).json(), { status: 'ok' });
  assert.deepEqual(await (await fetch(`${gateway.url}/version`)).json(), { name: 'ticket-ferry', version: '9.9.9' });
});

test('without Temporal the gateway is ready and says what is missing', async () => {
  const ready = async (): Promise<unknown> => (await fetch(`${gateway.url}/readyz`)).json();
  assert.deepEqual(await ready(), { status: 'ready', database: 'up', temporal: 'up' });
  temporal = false;
  const degraded = { status: 'ready', database: 'up', temporal: 'down' };
  await until(async () => JSON.stringify(await ready()) === JSON.stringify(degraded), {
    what: 'the look to be renewed',
  });
  assert.equal((await post(gateway.hook, {})).status, 202);
});

test('without a database hooks are put off with 503, readiness says why, and nothing crashes', async () => {
  // Nothing listens on port 1.
  const connection = connect('postgres://ferry:planted-password@127.0.0.1:1/ferry', { max: 1 });
  let log = '';
  const app = createApp({
    connection,
    log: makeLog({ level: 'info', name: 'gateway', to: { write: (line) => void (log += line) } }),
    version: '9.9.9',
    hintOf: () => () => [],
    temporalUp: () => Promise.resolve(true),
  });
  let served: Served | undefined;
  try {
    served = await serve(app, { host: '127.0.0.1', port: 0 });
    for (const reply of [await fetch(`${served.url}/readyz`), await post(`${served.url}/hooks/acme/x`, {})]) {
      assert.equal(reply.status, 503);
      assert.equal(reply.headers.get('retry-after'), '5');
      assert.equal(((await reply.json()) as { type: string }).type, 'urn:ferry:problem:database-unavailable');
    }
    assert.equal((await fetch(`${served.url}/healthz`)).status, 200);
    assert.doesNotMatch(log, /planted/);
  } finally {
    await served?.stop();
    await connection.close();
  }
});

test('a database that answers but accepts no writes is not ready; once it accepts them again, everything recovers without help', async () => {
  const { connection, url, hook } = gateway;
  const [row] = await rows<{ name: string }>(connection.db, sql`select current_database() as name`);
  const admin = connect(await testPostgres(), { max: 1 });
  const status = async (): Promise<number> => (await fetch(`${url}/readyz`)).status;
  try {
    await admin.sql.unsafe(`alter database "${row?.name}" set default_transaction_read_only = on`);
    await admin.db.execute(sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = ${row?.name} and pid <> pg_backend_pid()`);
    await until(async () => (await status()) === 503, { what: 'readiness to be withdrawn' });
    await admin.sql.unsafe(`alter database "${row?.name}" reset default_transaction_read_only`);
    await until(async () => (await status()) === 200 && (await post(hook, {})).status === 202, {
      what: 'readiness and hooks',
      timeoutMs: 30_000,
    });
  } finally {
    await admin.close();
  }
});

test('a gateway that stops tells probes so, answers what it has accepted, and then ends', async () => {
  const stopping = await startGateway();
  const { url } = stopping;
  const taken = post(stopping.hook, { tickets: ['1'] });
  assert.equal((await taken).status, 202);
  await stopping.close();
  await assert.rejects(fetch(`${url}/healthz`));
});
