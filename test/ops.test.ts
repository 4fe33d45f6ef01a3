/**
 * Checks that the alerts, the dashboard and the instructions for each alert belong together, and that Prometheus itself
 * accepts the rules.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { createMetrics } from '#telemetry/metrics.ts';

const root = path.join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

type Rule = {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
};
const { groups } = parse(read('ops/alerts.yaml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

type Panel = { readonly title: string; readonly targets: readonly { readonly expr: string }[] };
const { panels } = JSON.parse(read('ops/grafana-dashboard.json')) as { panels: Panel[] };

/** Every metric with its labels, as a scrape shows them. */
async function known(): Promise<Set<string>> {
  const metrics = createMetrics({
    version: '0',
    program: 'worker',
    loadGauges: () => Promise.resolve({ instances: [], links: [], hints: 0, notices: 0 }),
  });
  const text = await metrics.text();
  const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
  return new Set(names);
}

test('every metric that an alert or the dashboard asks for is shown by a program', async () => {
  const names = await known();
  const asked = [...rules.map(({ expr }) => expr), ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))];
  assert.ok(asked.length > 25);
  for (const expr of asked)
    for (const [name] of expr.matchAll(/\bferry_\w+/g)) assert.ok(names.has(name), `${name} in ${expr}`);
});

test('every alert has a section that says what to do, and every section is about an alert', () => {
  const page = read('docs/on-duty.md');
  const sections = [...page.matchAll(/^### (Ferry\w+)$/gm)].map(([, name]) => name);
  assert.deepEqual(
    rules.map(({ alert }) => alert),
    sections,
  );
  for (const { alert, labels, annotations } of rules) {
    assert.equal(annotations.runbook, `docs/on-duty.md#${alert.toLowerCase()}`);
    assert.ok(['page', 'ticket'].includes(labels.severity), alert);
    assert.ok(annotations.summary.endsWith('.'), alert);
  }
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const skip = hasPromtool ? false : "promtool is not installed (Debian's package prometheus)";

test('Prometheus accepts the rules, and they fire when they should and only then', { skip }, () => {
  for (const args of [
    ['check', 'rules', 'alerts.yaml'],
    ['test', 'rules', 'alerts.test.yaml'],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: path.join(root, 'ops'), encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
  }
});
