/** Chooses the action kind of the receiving desk that corresponds to the sender's. */
import type { DecideInput } from './decide-input.ts';
import { findNamed, findRow } from '#core/words/names.ts';
import { reason } from '#core/words/reasons.ts';
import { hasContent } from './send.ts';
import type { ActionRow } from '#core/rules/settings.ts';
import type { CatalogueKind, Reason } from '#core/words/vocabulary.ts';

export type KindHere = {
  readonly kind: 'use';
  /** The mapping row that applied; undefined for the default and for bare changes. */
  readonly row: ActionRow | undefined;
  /** Undefined: the connector uses its plain note or plain change. */
  readonly target: CatalogueKind | undefined;
  readonly drops: readonly Reason[];
};

/**
 * Uses the mapping, then the default, and otherwise refuses. An escalation needs no kind. An action without content
 * (RT's bare change of a status or field) becomes a plain change if it is not mapped.
 */
export function decideKind(
  { outgoing, escalation, inbound, catalogue }: Pick<DecideInput, 'outgoing' | 'escalation' | 'inbound' | 'catalogue'>,
  desk: string,
): KindHere | { readonly kind: 'refuse'; readonly reason: Reason } {
  if (escalation) return use(undefined, undefined);
  const { kind: from } = outgoing.action.words;
  const row = findRow(inbound.actions, from);
  const bare = !hasContent(outgoing.action);
  if (row === undefined && bare) return use(undefined, undefined);
  const wanted = row?.to ?? inbound.actionDefault;
  if (wanted === undefined)
    return { kind: 'refuse', reason: reason('unmapped-action', { desk, name: from ?? 'without a name' }) };
  const target = findNamed(catalogue.kinds, wanted);
  if (target !== undefined) return use(row, target);
  const unknown = reason('unknown-in-catalogue', { desk, what: 'action', name: wanted, from: from ?? undefined });
  return bare ? use(row, undefined, [unknown]) : { kind: 'refuse', reason: unknown };
}

function use(row: ActionRow | undefined, target: CatalogueKind | undefined, drops: readonly Reason[] = []): KindHere {
  return { kind: 'use', row, target, drops };
}
