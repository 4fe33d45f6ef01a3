/** Which properties of a new ticket, other than its fields, a side's settings can fill. */
import type { RequiredOwn } from '#core/words/vocabulary.ts';
import type { SideSettings } from './settings.ts';

/** By a row at least: whether a certain ticket's own value has one, only that ticket tells. */
export function ownFilled({ account, inbound }: SideSettings): readonly RequiredOwn['of'][] {
  return [
    ...(inbound.categories.length > 0 ? (['category'] as const) : []),
    ...(inbound.priorities.length > 0 ? (['priority'] as const) : []),
    ...(account.team === undefined ? [] : (['team'] as const)),
  ];
}
