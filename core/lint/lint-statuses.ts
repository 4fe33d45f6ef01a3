/** The mapping of statuses: names, what is reached and has no row, and what never comes to rest. */
import { sameName } from '#core/words/names.ts';
import { kindDefault } from '#core/rules/settings.ts';
import { checkName, checkRows } from './check-names.ts';
import { finding, quotedNames, type Finding } from './finding.ts';
import { sentKinds, type LintSide } from './lint-side.ts';
import type { Allowed } from './ticket-types.ts';

/** @param farAllowed of the far side's ticket types */
export function lintStatuses(side: LintSide, far: LintSide, farAllowed: Allowed): readonly Finding[] {
  const { statuses, statusDefault } = side.settings.inbound;
  const place = [side.name, 'inbound', 'statuses'];
  return [
    ...checkRows(place, 'status', statuses, { side: far, known: far.statuses }, { side, known: side.statuses }),
    ...(sameName(statusDefault, kindDefault)
      ? []
      : checkName([side.name, 'inbound', 'statusDefault'], 'status', statusDefault, side.statuses, side)),
    ...lintUnmapped(side, far, farAllowed),
  ];
}

function lintUnmapped(side: LintSide, far: LintSide, farAllowed: Allowed): readonly Finding[] {
  if (sentKinds(far).length === 0) return [];
  const missing = reachable(far, farAllowed).filter((name) => side.statusRows.find(name) === undefined);
  if (missing.length === 0) return [];
  const why = `A ticket at ${far.desk} can come into ${quotedNames(missing)}, for which there is no row: the ticket at ${side.desk} would keep its status.`;
  const fix = 'Add a row for each that is to change something here.';
  return [finding('status-unmapped', [side.name, 'inbound', 'statuses'], why, fix, missing)];
}

/** Statuses that some ticket type of this link allows. */
export function reachable(side: LintSide, allowed: Allowed): readonly string[] {
  const most = allowed.types.length;
  return (side.statuses?.all ?? []).filter((name) => most === 0 || allowed.statusForbiddenBy(name).length < most);
}
