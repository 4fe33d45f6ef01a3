/** `ferry audit` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { instantOf } from '#cli/options.ts';
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
