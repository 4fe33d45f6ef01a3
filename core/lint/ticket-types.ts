/** Which ticket types a side's tickets on this link can have, and which of them allow an action kind or a status. */
import type { Condition } from '#core/rules/settings.ts';
import { foldName } from '#core/words/names.ts';
import type { CatalogueType } from '#core/words/vocabulary.ts';
import type { LintSide } from './lint-side.ts';

export type Allowed = {
  /** Of how many types anything is known. */
  readonly types: readonly string[];
  /** Those whose restrictions leave it out. */
  kindForbiddenBy(name: string): readonly string[];
  statusForbiddenBy(name: string): readonly string[];
  /** Steps of workflows, of types that allow it as such. */
  kindForbiddenAt(name: string): readonly string[];
};

type Restricted = {
  readonly name: string;
  readonly kinds: ReadonlySet<string> | null;
  readonly statuses: ReadonlySet<string> | null;
  readonly steps: readonly { readonly name: string; readonly kinds: ReadonlySet<string> }[];
};

export function allowedOn(side: LintSide): Allowed {
  const types = typesOn(side).map(restricted);
  const forbidden = (name: string, of: 'kinds' | 'statuses'): readonly string[] => {
    const folded = foldName(name);
    return types.filter((type) => type[of] !== null && !type[of].has(folded)).map((type) => type.name);
  };
  return {
    types: types.map(({ name }) => name),
    kindForbiddenBy: (name) => forbidden(name, 'kinds'),
    statusForbiddenBy: (name) => forbidden(name, 'statuses'),
    kindForbiddenAt(name) {
      const folded = foldName(name);
      return types.flatMap((type) =>
        type.kinds?.has(folded) === false
          ? []
          : type.steps.filter(({ kinds }) => !kinds.has(folded)).map((step) => `${step.name} (${type.name})`),
      );
    },
  };
}

function restricted({ name, kinds, statuses, steps }: CatalogueType): Restricted {
  return {
    name,
    kinds: setOf(kinds),
    statuses: setOf(statuses),
    steps: (steps ?? []).map((step) => ({ name: step.name, kinds: new Set(step.kinds.map(foldName)) })),
  };
}

function setOf(names: readonly string[] | undefined): ReadonlySet<string> | null {
  return names === undefined ? null : new Set(names.map(foldName));
}

/**
 * At the supplier those that settings name, or all where the desk itself chooses. At the customer those on which
 * something can escalate, as far as an action kind is needed for that.
 */
function typesOn(side: LintSide): readonly CatalogueType[] {
  const { types = [] } = side.catalogue ?? {};
  const { inbound, outbound } = side.settings;
  if (side.isRemote) return types;
  if (side.name === 'supplier') {
    if (inbound.ticketTypeDefault === undefined) return types;
    const named = [...inbound.ticketTypes.map(({ to }) => to), inbound.ticketTypeDefault];
    return [...new Set(named.flatMap((name) => side.types?.find(name) ?? []))];
  }
  const kinds = outbound.escalates === undefined ? null : kindsNeeded(outbound.escalates);
  if (kinds === null) return types;
  const wanted = new Set(kinds.map(foldName));
  const open = types.filter(({ kinds: allowed }) => allowed?.some((name) => wanted.has(foldName(name))) ?? true);
  return open.length === 0 ? types : open;
}

/** Of which at least one is used whenever the condition holds; null where it can hold with any kind. */
export function kindsNeeded(condition: Condition, depth = 0): readonly string[] | null {
  if (depth > 32 || 'not' in condition || 'field' in condition) return null;
  if ('kind' in condition) return [condition.kind];
  if ('all' in condition) {
    for (const part of condition.all) {
      const kinds = kindsNeeded(part, depth + 1);
      if (kinds !== null) return kinds;
    }
    return null;
  }
  const parts = condition.any.map((part) => kindsNeeded(part, depth + 1));
  return parts.includes(null) ? null : parts.flatMap((kinds) => kinds ?? []);
}
