/** Where our own actions are in a ticket's order: those that this read shows, and those that were found before. */
import { numberOf } from '#core/log/position.ts';
import type { Recognition } from '#core/log/recognise.ts';
import type { ObservedAction } from '#core/words/desk.ts';
import type { Followed } from './log-action.ts';
import type { Echo } from './locked-ticket.ts';

export type Echoes = {
  /** The latest before the action at this index that came down the mirror; null: none. */
  before(index: number, at: string, mirror: string): Followed | null;
  /** Whether an action of this delivery is before the one at this index; null: none of it is known. */
  isBefore(delivery: string, index: number, at: string): boolean | null;
};

type Place = Followed & Pick<Echo, 'mirror' | 'delivery'> & { readonly index: number | null };

export function echoesOf(
  known: readonly Echo[],
  { actions: found }: Recognition,
  actions: readonly ObservedAction[],
): Echoes {
  const indexOf = new Map(actions.map((action, index) => [action.externalId, index]));
  const idAt = (index: number): string | null => actions[index]?.externalId ?? null;
  const places: Place[] = known.map(({ id, at, mirror, delivery }) => ({
    id,
    at,
    mirror,
    delivery,
    index: indexOf.get(id) ?? null,
  }));
  for (const one of found) {
    const action = actions[one.index];
    if (one.as !== 'echo' || action === undefined) continue;
    const { externalId: id, at } = action;
    places.push({ id, at, mirror: one.write.mirror ?? null, delivery: one.write.delivery, index: one.index });
  }
  return {
    isBefore(delivery, index, at) {
      const own = places.filter((place) => place.delivery === delivery);
      return own.length === 0 ? null : own.some((place) => isEarlier(place, index, at, idAt(index)));
    },
    before(index, at, mirror) {
      const earlier = places.filter((place) => place.mirror === mirror && isEarlier(place, index, at, idAt(index)));
      return earlier.reduce<Place | null>(
        (last, one) => (last !== null && isEarlier(one, last.index, last.at, last.id) ? last : one),
        null,
      );
    },
  };
}

/** By the desk's own order where the read shows both, else by ids that grow, else by its clock. */
function isEarlier(place: Place, index: number | null, at: string, id: string | null): boolean {
  if (place.index !== null && index !== null) return place.index < index;
  const [own, other] = [numberOf(place.id), numberOf(id ?? '')];
  if (own !== null && other !== null) return own < other;
  return Date.parse(place.at) <= Date.parse(at);
}
