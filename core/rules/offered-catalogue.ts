/**
 * Builds what one side of a link shows the other: the kinds it may send, and the names that its own rules use or
 * expect. Nothing else about the desk.
 */
import { findNamed, sameName } from '#core/words/names.ts';
import type { Catalogue, SideName } from '#core/words/vocabulary.ts';
import type { Condition, SideSettings } from './settings.ts';

export type LinkCatalogue = {
  readonly kinds: readonly { readonly name: string; readonly hidden: boolean; readonly mails: boolean }[];
  readonly statuses: readonly { readonly name: string; readonly closed: boolean }[];
  readonly categories: readonly string[];
  readonly priorities: readonly string[];
  readonly types: readonly { readonly name: string }[];
  readonly fields: readonly {
    readonly name: string;
    readonly type: Catalogue['fields'][number]['type'];
    readonly options?: readonly string[];
  }[];
};

/** @param catalogue of this side's own desk */
export function offeredCatalogue(
  { inbound, outbound }: SideSettings,
  catalogue: Catalogue,
  side: SideName,
): LinkCatalogue {
  const kinds = catalogue.kinds.filter(
    ({ name, sends }) => sends !== 'none' || outbound.actions.some((sent) => sameName(sent, name)),
  );
  const types = inbound.ticketTypes.flatMap(({ to }) => findNamed(catalogue.types, to) ?? []);
  const byDefault = inbound.ticketTypeDefault;
  const fallback = byDefault === undefined ? undefined : findNamed(catalogue.types, byDefault);
  const mapped = fallback === undefined ? types : [...types, fallback];
  const named = [...inbound.fields.map(({ to }) => to), ...fieldsIn(outbound.escalates)];
  return {
    kinds: kinds.map(({ name, hidden, mails }) => ({ name, hidden, mails })),
    statuses: catalogue.statuses.map(({ name, closed }) => ({ name, closed })),
    categories: catalogue.categories,
    priorities: catalogue.priorities,
    types:
      side === 'supplier'
        ? [...new Set(mapped.map(({ name }) => name))].map((name) => ({ name }))
        : catalogue.types.map(({ name }) => ({ name })),
    fields: catalogue.fields.flatMap((field) => {
      if (!named.some((one) => sameName(one, field.name))) return [];
      const { name, type, options } = field;
      return [{ name, type, ...(options === undefined ? {} : { options }) }];
    }),
  };
}

function fieldsIn(condition: Condition | undefined): readonly string[] {
  if (condition === undefined || 'kind' in condition) return [];
  if ('field' in condition) return [condition.field];
  if ('not' in condition) return fieldsIn(condition.not);
  return ('all' in condition ? condition.all : condition.any).flatMap(fieldsIn);
}
