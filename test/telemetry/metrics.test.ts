import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttemptSeen } from '#core/words/attempt.ts';
import type { Gauges } from '#db/operate/gauges.ts';
import { createMetrics, type Metrics } from '#telemetry/metrics.ts';
import { serveMetrics } from '#telemetry/serve-metrics.ts';
import { aheadOf, offsetOf, withClock } from '#telemetry/clock-offset.ts';

const seen: AttemptSeen = {
  link: 'acme-north',
  mirror: '0197c3c0-0000-7000-8000-000000000001',
  delivery: '0197c3c0-0000-7000-8000-000000000002',
  kind: 'action',
  escalation: false,
  from: 'acme',
  fromTicket: '1001',
  to: 'north',
  toTicket: 'NW-7',
  result: 'applied',
  reason: null,
  attempt: 1,
  ms: 40,
  waitedMs: 900,
  trace: '0197c3c000007000800000000000000a',
};

const gauges: Gauges = {
  instances: [{ instance: 'north', state: 'auth', waiting: 3, oldest: 61.5, lanes: 2, due: 1, unread: 12 }],
  links: [{ link: 'acme-north', state: 'active', opening: 1, open: 4, paused: 1, held: 2 }],
  hints: 5,
  notices: 1,
};

function metricsOf(loadGauges: () => Promise<Gauges> = () => Promise.resolve(gauges)): Metrics {
  return createMetrics({ version: '1.2.3', program: 'worker', loadGauges });
}

/** The value of a line that has all of the labels, however they are ordered. */
function valueOf(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  const line = text
    .split('\n')
    .find(
      (one) =>
        (one.startsWith(`${name} `) || one.startsWith(`${name}{`)) &&
        Object.entries(labels).every(([key, value]) => one.includes(`${key}="${value}"`)),
    );
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}

test('an attempt counts by its result, an outcome by its reason, and only what arrived says how long it took', async () => {
  const metrics = metricsOf();
  metrics.attempt(seen);
  metrics.attempt({ ...seen, result: 'retry', reason: 'trouble' });
  metrics.attempt({ ...seen, result: 'refused', reason: 'unmapped-action' });
  const text = await metrics.text();
  assert.equal(valueOf(text, 'ferry_attempts_total', { to: 'north', result: 'retry' }), 1);
  assert.equal(valueOf(text, 'ferry_attempt_seconds_count', { to: 'north' }), 3);
  assert.equal(valueOf(text, 'ferry_outcomes_total', { outcome: 'refused', reason: 'unmapped-action' }), 1);
  assert.equal(valueOf(text, 'ferry_outcomes_total', { outcome: 'applied', reason: 'applied-as-is' }), 1);
  assert.equal(valueOf(text, 'ferry_outcomes_total', { outcome: 'retry' }), undefined);
  assert.equal(valueOf(text, 'ferry_carry_seconds_count', { to: 'north' }), 1);
  assert.equal(valueOf(text, 'ferry_carry_seconds_sum', { to: 'north' }), 0.9);
  // In a label; a value may be any number.
  assert.doesNotMatch(text, /="[^"\n]*(?:1001|NW-7)/);
});

test('what the database says is shown by instance and by link', async () => {
  const text = await metricsOf().text();
  assert.equal(valueOf(text, 'ferry_database_up'), 1);
  assert.equal(valueOf(text, 'ferry_oldest_waiting_delivery_seconds', { to: 'north' }), 61.5);
  assert.equal(valueOf(text, 'ferry_deliveries_waiting', { to: 'north' }), 3);
  assert.equal(valueOf(text, 'ferry_lanes_due', { to: 'north' }), 1);
  assert.equal(valueOf(text, 'ferry_unread_seconds', { instance_id: 'north' }), 12);
  assert.equal(valueOf(text, 'ferry_instance_state', { instance_id: 'north', state: 'auth' }), 1);
  assert.equal(valueOf(text, 'ferry_instance_state', { instance_id: 'north', state: 'up' }), 0);
  assert.equal(valueOf(text, 'ferry_deliveries_held', { link: 'acme-north' }), 2);
  assert.equal(valueOf(text, 'ferry_mirrors_paused', { link: 'acme-north' }), 1);
  assert.equal(valueOf(text, 'ferry_mirrors', { link: 'acme-north', state: 'open' }), 4);
});

test('while the database is away nothing of it is shown, and the rest is', async () => {
  const metrics = metricsOf(() => Promise.reject(new Error('down')));
  metrics.attempt(seen);
  const text = await metrics.text();
  assert.equal(valueOf(text, 'ferry_database_up'), 0);
  assert.equal(valueOf(text, 'ferry_oldest_waiting_delivery_seconds', { to: 'north' }), undefined);
  assert.equal(valueOf(text, 'ferry_hints_waiting'), undefined);
  assert.equal(valueOf(text, 'ferry_attempts_total', { to: 'north' }), 1);
});

test('scrapes that come together ask the database once', async () => {
  let asked = 0;
  const metrics = metricsOf(() => {
    asked += 1;
    return Promise.resolve(gauges);
  });
  await Promise.all([metrics.text(), metrics.text(), metrics.text()]);
  assert.equal(asked, 1);
});

test("a clock's offset is the median of what replies say, so that one that is late or wrong does not count", async () => {
  const at = Date.parse('2026-03-04T05:06:07Z');
  const date = new Date(at).toUTCString();
  assert.equal(aheadOf({ date }, at + 400, at + 600), 0);
  assert.equal(aheadOf({ date }, at + 60_400, at + 60_600), -60_000);
  assert.equal(aheadOf({ date }, at, at + 6_000), null);
  for (const header of [undefined, '', 'yesterday']) assert.equal(aheadOf({ date: header }, at, at), null);
  assert.equal(offsetOf([-60_000, -59_600, 3_600_000, -60_400, -60_100]), -60_000);
  assert.equal(offsetOf([]), 0);
  const metrics = metricsOf();
  for (const ahead of [-60_000, -59_600, 3_600_000]) metrics.clock('north', ahead);
  assert.equal(valueOf(await metrics.text(), 'ferry_clock_offset_seconds', { instance_id: 'north' }), -59.6);
});

test('the listener shows metrics and nothing else, and ends at once', async () => {
  const server = await serveMetrics(metricsOf(), { host: '127.0.0.1', port: 0 });
  try {
    const reply = await fetch(server.url);
    assert.equal(reply.status, 200);
    assert.match(reply.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    assert.match(await reply.text(), /^ferry_info\{version="1\.2\.3",program="worker"\} 1$/m);
    assert.equal((await fetch(`${server.url}?x=1`)).status, 200);
    assert.equal((await fetch(new URL('/', server.url))).status, 404);
    assert.equal((await fetch(server.url, { method: 'POST' })).status, 405);
  } finally {
    await server.close();
  }
  await assert.rejects(fetch(server.url));
});

test('a desk’s clock is compared with the database’s: a process whose own has jumped measures the same', async (t) => {
  const begun = performance.now();
  const database = Date.parse('2026-03-04T05:06:07Z');
  const reply = { status: 200, text: '', headers: { date: new Date(database + 30_000).toUTCString() } };
  const found: number[] = [];
  const http = withClock(
    { request: () => Promise.resolve(reply), stream: () => Promise.reject(new Error('not asked')) },
    (aheadMs) => void found.push(aheadMs),
    () => database + (performance.now() - begun),
  );
  for (const stepMs of [0, 240_000, -240_000]) {
    t.mock.timers.enable({ apis: ['Date'], now: database + stepMs });
    await http.request({ method: 'GET', url: 'http://desk.test/', signal: new AbortController().signal });
    t.mock.timers.reset();
  }
  assert.equal(found.length, 3);
  for (const aheadMs of found) assert.ok(Math.abs(aheadMs - 30_000) <= 5_000, String(found));
  const unknown: number[] = [];
  const before = withClock(
    { request: () => Promise.resolve(reply), stream: () => Promise.reject(new Error('not asked')) },
    (aheadMs) => void unknown.push(aheadMs),
    () => null,
  );
  await before.request({ method: 'GET', url: 'http://desk.test/', signal: new AbortController().signal });
  assert.deepEqual(unknown, []);
});
