/** Prints a run's result for people. */
import { sorts } from './oracle/findings.ts';
import type { RunResult } from './run.ts';

const shownFindings = 12;

export function printed(result: RunResult): string {
  const { seed, shape, minutes, holds, counts, findings, recoveryMs, struck, done, atRest } = result;
  const recovery = recoveryMs === null ? 'not all was carried' : `all carried ${seconds(recoveryMs)} after healing`;
  const lines = [
    `${holds ? 'holds ' : 'BROKEN'} seed ${seed}, ${shape}, ${minutes} min: ${done.said} said, ${done.set} set, ${done.escalated} escalated;` +
      ` ${struck.length} faults; ${recovery}; ${atRest.toFixed(1)} requests/s at rest`,
    ...(holds ? [] : [`       ${sorts.map((sort) => `${sort} ${counts[sort]}`).join(', ')}`]),
    ...findings.slice(0, shownFindings).map(({ sort, text }) => `       ${sort}: ${text}`),
    ...(findings.length > shownFindings ? [`       and ${findings.length - shownFindings} more`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
