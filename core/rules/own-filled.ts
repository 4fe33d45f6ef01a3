/** Lists the properties of a new ticket, other than its fields, that a side's settings can fill. */
import type { RequiredOwn } from '#core/words/vocabulary.ts';
import type { SideSettings } from './settings.ts';

/** A list of rows counts as filling its property; whether a row matches a particular ticket is only known then. */
export function ownFilled({ account, inbound }: SideSettings): readonly RequiredOwn['of'][] {
  return [
    ...(inbound.categories.length > 0 ? (['category'] as const) : []),
    ...(inbound.priorities.length > 0 ? (['priority'] as const) : []),
    ...(account.team === undefined ? [] : (['team'] as const)),
  ];
}
