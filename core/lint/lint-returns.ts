/** What arrives and could be sent back on its own link: by its kind, by what the desk does then, by a status. */
import { otherSide } from '#core/words/ends.ts';
import { foldName, sameName } from '#core/words/names.ts';
import { kindDefault, type ActionRow } from '#core/rules/settings.ts';
import type { CatalogueAutomation, CatalogueKind } from '#core/words/vocabulary.ts';
import { finding, type Finding, type Place } from './finding.ts';
import { isClosed, sentKinds, type LintSide } from './lint-side.ts';

/** What a desk's automations lead to, for a kind that is used or a status that is set there. */
export type Automatic = {
  /** The automation that sends back in the end; undefined where none does. */
  kind(name: string): CatalogueAutomation | undefined;
  status(name: string): CatalogueAutomation | undefined;
};

export function lintReturns(
  side: LintSide,
  far: LintSide,
  automatic: Automatic,
  row: ActionRow,
  target: CatalogueKind,
  place: Place,
): readonly Finding[] {
  const before = far.kinds?.find(row.from)?.status ?? null;
  const mapped = before === null ? undefined : side.statusRows.find(before)?.to;
  const direct = lintTarget(side, automatic, target, mapped ?? row.status ?? target.status, [...place, 'to']);
  if (direct.length > 0) return direct;
  const byStatus = row.status === undefined ? undefined : automatic.status(row.status);
  if (byStatus !== undefined)
    return [byAutomation(side, byStatus, `sets the status "${row.status ?? ''}"`, [...place, 'status'])];
  return lintOwnStatus(side, far, row, target, { before, mapped }, place);
}

/**
 * What arrives with this kind, by a row or by default. What closes a ticket can't go round: closing what is closed is no
 * change.
 * @param status that the ticket comes into with it; null where none is said
 */
export function lintTarget(
  side: LintSide,
  automatic: Automatic,
  target: CatalogueKind,
  status: string | null,
  place: Place,
): readonly Finding[] {
  const towards = otherSide(side.name);
  if (!isClosed(side, status) && isSentBack(side, target)) {
    const why = `"${target.name}" at ${side.desk} is itself sent to the ${towards}, so what arrives with it could be sent back.`;
    return [finding('sends-back', place, why, 'Map onto an action that is not sent, such as an internal note.')];
  }
  const automation = automatic.kind(target.name);
  return automation === undefined ? [] : [byAutomation(side, automation, `uses "${target.name}"`, place)];
}

/** Statuses that are set here and start an automation that sends back. */
export function lintStatusReturns(side: LintSide, automatic: Automatic): readonly Finding[] {
  const { statuses, statusDefault } = side.settings.inbound;
  const at = (status: string, place: Place): readonly Finding[] => {
    const automation = automatic.status(status);
    return automation === undefined ? [] : [byAutomation(side, automation, `sets the status "${status}"`, place)];
  };
  return [
    ...statuses.flatMap(({ to }, index) => at(to, [side.name, 'inbound', 'statuses', index, 'to'])),
    ...(sameName(statusDefault, kindDefault) ? [] : at(statusDefault, [side.name, 'inbound', 'statusDefault'])),
  ];
}

function byAutomation(side: LintSide, automation: CatalogueAutomation, does: string, place: Place): Finding {
  const why = `What arrives ${does} at ${side.desk}, where the automation "${automation.name}" then uses "${automation.does.kind ?? ''}", which is sent back to the ${otherSide(side.name)}.`;
  const fix = `Map onto something that starts no such automation, or let "${automation.name}" leave out tickets of this link.`;
  return finding('sends-back-by-automation', place, why, fix);
}

/** A desk that marks no kind for sending (RT has two kinds of note in all) is left to the echo guard. */
function isSentBack(side: LintSide, kind: CatalogueKind): boolean {
  if (kind.sends === otherSide(side.name)) return true;
  return side.marksKinds && side.named.find(kind.name) !== undefined;
}

/** The kind sets a status of its own where nothing else does, and the far side makes another one of that. */
function lintOwnStatus(
  side: LintSide,
  far: LintSide,
  row: ActionRow,
  target: CatalogueKind,
  { before, mapped }: { readonly before: string | null; readonly mapped: string | undefined },
  place: Place,
): readonly Finding[] {
  const isSetOtherwise = row.status !== undefined || mapped !== undefined;
  if (target.status === null || isSetOtherwise || far.isRemote || sentKinds(side).length === 0) return [];
  const after = far.statusRows.find(target.status)?.to;
  if (after === undefined || (before !== null && sameName(after, before))) return [];
  if (before === null && isClosed(side, target.status) && isClosed(far, after)) return [];
  const was = before === null ? 'says nothing of a status' : `sets "${before}"`;
  const why = `"${row.from}" of ${far.desk} ${was}, "${target.name}" sets "${target.status}" at ${side.desk} by itself, and ${far.desk} would make "${after}" of that.`;
  const fix = 'Give the row a status, map the status, or map onto an action that sets none.';
  return [finding('sends-back-by-status', [...place, 'to'], why, fix)];
}

/** Followed from the end: which kinds and statuses start what sends back, at once or by one another. */
export function automaticOf(side: LintSide): Automatic {
  const automations = side.catalogue?.automations ?? [];
  const kindKey = (name: string): string => `kind ${foldName(name)}`;
  const statusKey = (name: string): string => `status ${foldName(name)}`;
  const starts = ({ on }: CatalogueAutomation): string => ('kind' in on ? kindKey(on.kind) : statusKey(on.status));
  const leads = new Map<string, CatalogueAutomation>();
  if (automations.length > 0) {
    const before = new Map<string, string[]>();
    const follow = (key: string, from: string): void => {
      const known = before.get(key);
      if (known === undefined) before.set(key, [from]);
      else known.push(from);
    };
    const open: string[] = [];
    const mark = (key: string, automation: CatalogueAutomation): void => {
      if (leads.has(key)) return;
      leads.set(key, automation);
      open.push(key);
    };
    for (const { name, status } of side.catalogue?.kinds ?? [])
      if (status !== null) follow(statusKey(status), kindKey(name));
    for (const automation of automations) {
      const { kind, status } = automation.does;
      const used = kind === undefined ? undefined : side.kinds?.find(kind);
      if (used !== undefined && !isClosed(side, used.status) && isSentBack(side, used))
        mark(starts(automation), automation);
      if (kind !== undefined) follow(kindKey(kind), starts(automation));
      if (status !== undefined) follow(statusKey(status), starts(automation));
    }
    for (let key = open.pop(); key !== undefined; key = open.pop()) {
      const last = leads.get(key);
      if (last !== undefined) for (const step of before.get(key) ?? []) mark(step, last);
    }
  }
  return { kind: (name) => leads.get(kindKey(name)), status: (name) => leads.get(statusKey(name)) };
}
