/** What a person on duty can see of a gateway. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { randomBytes } from 'node:crypto';
import { startProgram } from '#test/support/process.ts';
import { freshDatabase } from '#test/support/database.ts';
import { until } from '#test/support/wait.ts';
import { hookSecret, post, startGateway } from './support.ts';
import type { TestGateway } from './support.ts';

type Line = Readonly<Record<string, unknown>>;

let gateway: TestGateway;
before(async () => {
  gateway = await startGateway();
});
after(() => gateway.close());

const lines = (): Line[] =>
  gateway
    .log()
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

test('probes leave no line at info; a request does', async () => {
  for (const path of ['/healthz', '/readyz', '/version']) assert.equal((await fetch(gateway.url + path)).status, 200);
  assert.deepEqual(lines(), []);
  await post(gateway.hook, { tickets: ['1'] });
  assert.deepEqual(
    lines().map(({ msg, route, status }) => [msg, route, status]),
    [['request', '/hooks/:instance/:secret', 202]],
  );
});

test('a webhook with a wrong secret is a sign-in that was refused, and nothing of it is shown', async () => {
  await post(`${gateway.url}/hooks/acme/${hookSecret}PLANTED`, {});
  const refused = lines().filter(({ msg }) => msg === 'sign-in refused');
  assert.deepEqual(
    refused.map(({ why, who, level }) => [why, who, level]),
    [['wrong-hook', null, 'warn']],
  );
  assert.doesNotMatch(gateway.log(), /PLANTED/);
});

test('the process serves metrics on a separate listener, and none on the public one', async () => {
  const database = await freshDatabase('watched');
  const program = await startProgram({
    program: 'gateway/main.ts',
    env: {
      DATABASE_URL: database.url,
      FERRY_SECRET_KEY: randomBytes(32).toString('base64'),
      FERRY_PORT: '0',
      FERRY_METRICS_PORT: '0',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
    },
    ready: /"ready":true/,
  });
  try {
    const [, url = ''] = await program.line(/"ready":true,"url":"([^"]+)"/);
    const [, at = ''] = await program.line(/"url":"([^"]+)","msg":"metrics"/);
    assert.notEqual(new URL(at).port, new URL(url).port);
    assert.equal((await fetch(`${url}/metrics`)).status, 404);
    await post(`${url}/hooks/acme/wrong`, {});
    const text = await until(
      async () => {
        const shown = await (await fetch(at)).text();
        return shown.includes('ferry_sign_ins_refused_total{why="wrong-hook"} 1') ? shown : undefined;
      },
      { what: 'the refused sign-in' },
    );
    assert.match(text, /^ferry_info\{version="[\d.]+",program="gateway"\} 1$/m);
    assert.match(text, /^ferry_database_up 1$/m);
    assert.match(text, /^ferry_request_seconds_count\{route="-",status="404"\} 2$/m);
    assert.match(text, /^ferry_nodejs_eventloop_lag_seconds /m);
  } finally {
    await program.stop();
    await database.drop();
  }
});

test('an occupied metrics port is logged, and nothing else suffers', async () => {
  const database = await freshDatabase('watched');
  const program = await startProgram({
    program: 'gateway/main.ts',
    env: {
      DATABASE_URL: database.url,
      FERRY_SECRET_KEY: randomBytes(32).toString('base64'),
      FERRY_PORT: '0',
      FERRY_METRICS_PORT: new URL(gateway.url).port,
      TEMPORAL_ADDRESS: '127.0.0.1:1',
    },
    ready: /"ready":true/,
  });
  try {
    await program.line(/there are no metrics: can't listen on port \d+ of 127\.0\.0\.1.*FERRY_METRICS_PORT/);
  } finally {
    await program.stop();
    await database.drop();
  }
});
