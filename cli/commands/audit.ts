/** `ferry audit` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { printable, shortly, table } from '#cli/print/text.ts';
import { withOperator } from '#cli/wire.ts';
import { listAudit, type AuditRow } from '#operate/audit/list.ts';

export type AuditCommand = GlobalOptions & {
  readonly link?: string;
  readonly who?: string;
  readonly what?: string;
  readonly on?: string;
  readonly since?: string;
  readonly until?: string;
  readonly before?: string;
  readonly limit?: number;
  readonly json?: boolean;
};

/** Prints the entries of the audit. Returns 1 if there are none. */
export async function audit(options: AuditCommand, deps: CliDeps): Promise<number> {
  const { link, who, what, on, before, limit, json } = options;
  const now = Date.now();
  const asked = {
    ...{ link, by: who, what, on, before, limit },
    since: instantOf('--since', options.since, now),
    until: instantOf('--until', options.until, now),
  };
  const { entries, next } = await withOperator(options, deps, (operator) => listAudit(operator, asked));
  if (json === true) for (const entry of entries) deps.out(`${JSON.stringify(entry)}\n`);
  else for (const line of auditLines(entries)) deps.out(`${line}\n`);
  if (next !== null && json !== true) deps.out(`There are older entries. To see them, add --before ${next}\n`);
  return entries.length === 0 ? exitCodes.no : exitCodes.ok;
}

function auditLines(entries: readonly AuditRow[]): string[] {
  if (entries.length === 0) return ['The audit has no matching entry.'];
  return table([
    ['AT', 'WHO', 'WHAT', 'ON', 'DIFFERENCE'],
    ...entries.map(({ at, by, what, on, detail: { actor: _actor, ...rest } }) => [
      at.slice(0, 19).replace('T', ' '),
      printable(by),
      printable(what),
      printable(on),
      Object.keys(rest).length === 0 ? '-' : shortly(rest, 120),
    ]),
  ]);
}

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const longestMs = 100 * 365 * 86_400_000;

/** Reads a day (`2026-05-01`), an instant with its zone, or an age (`90m`, `12h`, `7d`). */
function instantOf(option: string, text: string | undefined, now: number): string | undefined {
  if (text === undefined) return undefined;
  const [, number, unit] = /^(\d{1,6})([mhd])$/.exec(text.trim()) ?? [];
  const at =
    number !== undefined && unit !== undefined
      ? now - Math.min(Number(number) * (units[unit] ?? 0), longestMs)
      : /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text.trim())
        ? Date.parse(text.trim())
        : Number.NaN;
  if (Number.isFinite(at)) return new Date(at).toISOString();
  throw new CliError(
    'not-a-time',
    exitCodes.usage,
    `"${text}" is not a time that ${option} understands; write a day (2026-05-01), an instant (2026-05-01T08:00:00Z), or an age (90m, 12h, 7d)`,
  );
}
