/** The tables of docs/reliability.md: findings by sort of desk, and by sort of fault. */
import { sorts } from './oracle/findings.ts';
import type { RunResult } from './run.ts';
import { shapes } from './shapes.ts';
import { faults } from './strikes/all.ts';

export function tables(results: readonly RunResult[]): string {
  const sum = (of: (one: RunResult) => number, all = results): number => all.reduce((so, one) => so + of(one), 0);
  const held = results.filter(({ holds }) => holds);
  const times = recoveries(results);
  return [
    `${results.length} runs, ${minutesOf(results)} minutes of faults in all: ${held.length} held, ${results.length - held.length} did not.`,
    `People said ${sum(({ done }) => done.said)} things, changed ${sum(({ done }) => done.set)} statuses and fields and`,
    `escalated ${sum(({ done }) => done.escalated)} tickets, while ${sum(({ struck }) => struck.length)} faults struck.`,
    `Recovery, from healing until all was carried: median ${seconds(middle(times))}, worst ${seconds(Math.max(...times))}.`,
    '',
    head('desks'),
    ...shapes.flatMap(({ name, says }) => {
      const own = results.filter(({ shape }) => shape === name);
      return own.length === 0 ? [] : [row(says, own.length, own)];
    }),
    '',
    'A run is counted with each fault that struck in it, so what a run found is in the lines of all its faults.',
    '',
    head('fault'),
    ...faults.flatMap(({ name, says }) => {
      const met = results.filter(({ struck }) => struck.some(({ fault }) => fault === name));
      const strikes = sum(({ struck }) => struck.filter(({ fault }) => fault === name).length, met);
      return strikes === 0 ? [] : [row(says, strikes, met)];
    }),
    '',
    ...failed(results),
  ].join('\n');
}

function head(first: string): string {
  const count = first === 'desks' ? 'runs' : 'strikes';
  return [
    `| ${first} | ${count} | ${sorts.join(' | ')} | recovery, median / worst |`,
    `|---|${'---|'.repeat(sorts.length + 2)}`,
  ].join('\n');
}

function row(says: string, count: number, results: readonly RunResult[]): string {
  const found = sorts.map((sort) => results.reduce((so, { counts }) => so + counts[sort], 0));
  const times = recoveries(results);
  const recovery = times.length === 0 ? 'never' : `${seconds(middle(times))} / ${seconds(Math.max(...times))}`;
  return `| ${says} | ${count} | ${found.join(' | ')} | ${recovery} |`;
}

function failed(results: readonly RunResult[]): string[] {
  const broken = results.filter(({ holds }) => !holds);
  if (broken.length === 0) return [];
  return [
    'Runs that did not hold:',
    '',
    ...broken.map(({ seed, shape, minutes, dense, findings }) => {
      const first = findings[0] === undefined ? '' : `: ${findings[0].sort}, ${findings[0].text}`;
      return `- \`npm run faults -- --seed ${seed} --shape ${shape} --minutes ${minutes}${dense ? ' --dense' : ''}\`${first}`;
    }),
    '',
  ];
}

function recoveries(results: readonly RunResult[]): number[] {
  return results.flatMap(({ recoveryMs }) => recoveryMs ?? []);
}

function minutesOf(results: readonly RunResult[]): number {
  return Math.round(results.reduce((sum, { minutes }) => sum + minutes, 0));
}

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
}

function seconds(ms: number): string {
  return Number.isFinite(ms) ? `${(ms / 1_000).toFixed(1)} s` : 'none';
}
