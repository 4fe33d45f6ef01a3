/** Checks the words without a row: no setting covers them, or a default does that the end user would see. */
import { finding, quotedNames, type Finding } from './finding.ts';
import { sentKinds, type LintSide } from './lint-side.ts';
import { kindsNeeded } from './ticket-types.ts';

export function lintDefaults(side: LintSide, far: LintSide): readonly Finding[] {
  return [...lintActionDefault(side, far), ...lintTypeDefault(side, far)];
}

function lintActionDefault(side: LintSide, far: LintSide): readonly Finding[] {
  const { actionDefault } = side.settings.inbound;
  const place = [side.name, 'inbound', 'actionDefault'];
  if (actionDefault === undefined) {
    const unmapped = sentKinds(far).filter((name) => side.actionRows.find(name) === undefined && needsRow(far, name));
    if (unmapped.length === 0) return [];
    const why = `${far.desk} sends ${quotedNames(unmapped)}, for which there is no row and no default: ${side.desk} would refuse each, and its author is told.`;
    const fix = 'Set a default, best a kind that is hidden by itself, or add rows.';
    return [finding('no-default', place, why, fix, unmapped)];
  }
  const target = side.kinds?.find(actionDefault);
  if (side.name === 'supplier' || target === undefined || target.hidden) return [];
  const why = `"${target.name}" at ${side.desk} is not hidden by itself, so whatever has no row comes in as a kind that the end user is meant to see.`;
  return [finding('default-shown', place, why, 'Set a kind that is hidden by itself, such as an internal note.')];
}

/** An escalation needs no row, and neither does what changes without a note. */
function needsRow(far: LintSide, name: string): boolean {
  if (far.kinds?.find(name)?.bare === true) return false;
  const { escalates } = far.settings.outbound;
  if (far.name === 'supplier' || escalates === undefined || far.isRemote) return true;
  const opening = kindsNeeded(escalates) ?? [];
  return !opening.some((kind) => kind === name || far.kinds?.find(kind)?.name === name);
}

function lintTypeDefault(side: LintSide, far: LintSide): readonly Finding[] {
  const { ticketTypes, ticketTypeDefault } = side.settings.inbound;
  if (side.name === 'customer' || ticketTypeDefault !== undefined || (side.types?.all.length ?? 0) === 0) return [];
  const mapped = new Set(ticketTypes.map(({ from }) => far.types?.find(from)?.name ?? from));
  const unmapped = (far.types?.all ?? []).filter((name) => !mapped.has(name));
  if (unmapped.length === 0) return [];
  const why = `Tickets of type ${quotedNames(unmapped)} of ${far.desk} have no row and no default, so ${side.desk} itself would choose what they become.`;
  const fix = 'Set ticketTypeDefault, or add a row for each type that escalates.';
  return [finding('no-default', [side.name, 'inbound', 'ticketTypeDefault'], why, fix, unmapped)];
}
