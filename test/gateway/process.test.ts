// The gateway as a process.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { connect as connectTo, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { connect } from '#db/base/client.ts';
import { emptyDatabase, freshDatabase } from '#test/support/database.ts';
import type { TestDatabase } from '#test/support/database.ts';
import { startProgram } from '#test/support/process.ts';
import { until } from '#test/support/wait.ts';
import { post } from './support.ts';

const secret = 'planted-hook-secret-0123456789';
let database: TestDatabase;
before(async () => {
  database = await freshDatabase('gateway');
  const { sql, close } = connect(database.url, { max: 1 });
  await sql`insert into instances (id, type, name, url, credentials, hook_secret_hash)
    values ('acme', 'halo', 'Acme', 'https://acme.example', 'sealed', ${createHash('sha256').update(secret).digest('hex')})`;
  await close();
});
after(() => database.drop());

const env = {
  FERRY_SECRET_KEY: Buffer.alloc(32, 1).toString('base64'),
  FERRY_PORT: '0',
  TEMPORAL_ADDRESS: '127.0.0.1:1',
};

test("a gateway says where it is ready, takes hooks of the desk's own shape, and ends in order when asked", async () => {
  const gateway = await startProgram({
    program: 'gateway/main.ts',
    env: { ...env, DATABASE_URL: database.url },
    ready: /"ready":true/,
  });
  const [line] = await gateway.line(/^\{"ready":true,"url":"[^"]+"\}$/m);
  const { url } = JSON.parse(line) as { url: string };
  assert.equal((await post(`${url}/hooks/acme/${secret}`, { ticket: { id: 1001 } })).status, 202);
  assert.deepEqual(await (await fetch(`${url}/readyz`)).json(), { status: 'ready', database: 'up', temporal: 'down' });
  const { sql, close } = connect(database.url, { max: 1 });
  const hints = await sql`select ticket from hints`;
  await close();
  assert.deepEqual([...hints], [{ ticket: '1001' }]);
  assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
  assert.doesNotMatch(gateway.output(), /planted/);
});

test('a gateway without its database says so, answers probes, and is ready once the database is there', async () => {
  // A port that is taken by nobody yet: the database comes there later.
  const target = new URL(database.url);
  const relay = createServer((socket) => {
    const upstream = connectTo(Number(target.port), target.hostname);
    socket.pipe(upstream).pipe(socket);
    for (const one of [socket, upstream]) one.on('error', () => [socket, upstream].forEach((end) => end.destroy()));
  });
  const port = await freePort();
  const url = new URL(database.url);
  url.host = `127.0.0.1:${port}`;
  const ownPort = await freePort();
  const gateway = await startProgram({
    program: 'gateway/main.ts',
    env: { ...env, DATABASE_URL: url.href, FERRY_PORT: String(ownPort) },
    ready: /can't be reached; trying again/,
  });
  try {
    assert.equal((await fetch(`http://127.0.0.1:${ownPort}/healthz`)).status, 200);
    assert.equal((await fetch(`http://127.0.0.1:${ownPort}/readyz`)).status, 503);
    assert.doesNotMatch(gateway.output(), /"ready":true/);
    await new Promise<void>((resolve) => relay.listen(port, '127.0.0.1', resolve));
    await gateway.line(/"ready":true/);
    await until(async () => (await fetch(`http://127.0.0.1:${ownPort}/readyz`)).status === 200, { what: 'readiness' });
  } finally {
    await gateway.stop();
    relay.close();
  }
});

test('a taken port, a missing setting and another schema are one line each and an exit code', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const bare = await emptyDatabase('bare');
  try {
    const { port } = holder.address() as AddressInfo;
    const cases: readonly (readonly [Record<string, string>, number, RegExp])[] = [
      [
        { DATABASE_URL: database.url, FERRY_PORT: String(port) },
        69,
        /^ferry: port \d+ of 127\.0\.0\.1 is taken .*EADDRINUSE.*\[port-taken\]$/m,
      ],
      [{}, 78, /^ferry: the configuration is wrong: DATABASE_URL is not set.*\[config-invalid\]$/m],
      [{ DATABASE_URL: bare.url }, 78, /^ferry: .*Run "ferry migrate" first\. \[schema-older\]$/m],
    ];
    for (const [change, code, words] of cases) {
      const gateway = await startProgram({ program: 'gateway/main.ts', env: { ...env, ...change } });
      assert.deepEqual(await gateway.ended, { code, signal: null });
      assert.match(gateway.stderr(), words);
    }
  } finally {
    holder.close();
    await bare.drop();
  }
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
