/** Rules that can never fire, which somebody thinks do. */
import type { Condition } from '#core/rules/settings.ts';
import { finding, type Finding, type Place } from './finding.ts';
import { canHold } from './lint-overlap.ts';
import { isSent, type LintSide } from './lint-side.ts';
import { reachable } from './lint-statuses.ts';
import { foldName } from '#core/words/names.ts';
import { kindsNeeded, type Allowed } from './ticket-types.ts';

export function lintIdle(side: LintSide, far: LintSide, farAllowed: Allowed): readonly Finding[] {
  return [
    ...lintAccountKeys(side),
    ...lintStatusRows(side, far, farAllowed),
    ...lintActionRows(side, far),
    ...lintEscalation(side),
    ...lintTemplates(side),
  ];
}

function idle(place: Place, why: string, fix: string): Finding {
  return finding('never-fires', place, why, fix);
}

function lintAccountKeys({ name, settings, desk }: LintSide): readonly Finding[] {
  if (name === 'supplier') return [];
  return (['site', 'team', 'standIn'] as const).flatMap((key) =>
    settings.account[key] === undefined
      ? []
      : [
          idle(
            [name, 'account', key],
            `Ferry opens no tickets at ${desk}, so nothing is done with the account's ${key}.`,
            "Remove it, or move it to the supplier's account.",
          ),
        ],
  );
}

function lintStatusRows(side: LintSide, far: LintSide, farAllowed: Allowed): readonly Finding[] {
  if (far.statuses === null) return [];
  const reached = new Set(reachable(far, farAllowed).map(foldName));
  return side.settings.inbound.statuses.flatMap(({ from }, index) => {
    // A name that is not there at all is told as that.
    if (far.statuses?.find(from) === undefined || reached.has(foldName(from))) return [];
    const why = `No ticket type of this link allows the status "${from}" at ${far.desk}, so this row never fires.`;
    return [idle([side.name, 'inbound', 'statuses', index, 'from'], why, 'Remove the row.')];
  });
}

function lintActionRows(side: LintSide, far: LintSide): readonly Finding[] {
  if (far.kinds === null) return [];
  const place = [side.name, 'inbound', 'actions'];
  return side.settings.inbound.actions.flatMap((row, index) => {
    const source = far.kinds?.find(row.from);
    if (source === undefined) return [];
    const why = whyNever(far, row.from, source.hidden);
    if (why !== null)
      return [idle([...place, index, 'from'], why, `Remove the row, or let ${far.desk} send "${source.name}".`)];
    const mapped = source.status === null ? undefined : side.statusRows.find(source.status);
    if (row.status === undefined || mapped === undefined) return [];
    const over = `"${source.name}" sets "${source.status ?? ''}" at ${far.desk}, for which the statuses have a row, so the status of this row never counts.`;
    return [idle([...place, index, 'status'], over, 'Remove it, or the row of the statuses.')];
  });
}

/** Null where it can fire. */
function whyNever(far: LintSide, from: string, hidden: boolean): string | null {
  if (far.isRemote) return null;
  if (far.name === 'supplier' && hidden)
    return `"${from}" is hidden at ${far.desk}, and a supplier's hidden actions stay with its team, so this row never fires.`;
  if (isSent(far, from)) return null;
  // An end user's own reply needs no kind that is sent.
  if (far.name === 'customer' && far.settings.outbound.userReplies && !hidden) return null;
  return `"${from}" is not sent from ${far.desk}, neither by its settings nor by a mark of its own, so this row fires only where an agent chooses it.`;
}

function lintEscalation({ name, settings }: LintSide): readonly Finding[] {
  const { escalates } = settings.outbound;
  if (name === 'supplier' || escalates === undefined || canHold(escalates)) return [];
  const why = 'No action fits all parts of this condition at once, so no ticket would ever be opened at the supplier.';
  return [idle([name, 'outbound', 'escalates'], why, 'Use any instead of all, or leave a part out.')];
}

function lintTemplates({ name, settings }: LintSide): readonly Finding[] {
  const { templates, escalates } = settings.outbound;
  const place = [name, 'outbound', 'templates'];
  if (name === 'supplier') {
    if (templates.length === 0) return [];
    const why = 'Templates are for escalations, and nothing escalates at the supplier.';
    return [idle(place, why, "Move them to the customer's outbound settings.")];
  }
  if (escalates === undefined) return [];
  return templates.flatMap(({ kind }, index) => {
    if (kind === '*' || canEscalate(escalates, kind)) return [];
    const why = `"${kind}" never escalates, and templates are for escalations only.`;
    return [idle([...place, index, 'kind'], why, 'Name a kind that escalates, or remove the template.')];
  });
}

function canEscalate(escalates: Condition, kind: string): boolean {
  const needed = kindsNeeded(escalates);
  if (needed !== null && !needed.some((name) => foldName(name) === foldName(kind))) return false;
  return canHold({ all: [{ kind }, escalates] });
}
