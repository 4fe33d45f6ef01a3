/** The position of our own actions in a ticket's order: those in this reading, and those found earlier. */
import { sql } from 'drizzle-orm';
import { numberOf } from '#core/log/position.ts';
import type { Recognition } from '#core/log/recognise.ts';
import type { ObservedAction } from '#core/words/desk.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { textArray } from '#db/base/text-array.ts';
import type { Followed } from './log-action.ts';
import type { Echo } from './locked-ticket.ts';

export type Echoes = {
  /** The latest one before the action at this index that arrived on the mirror; null if there is none. */
  before(index: number, at: string, mirror: string): Followed | null;
  /** Whether an action of this delivery comes before the one at this index; null if none of its actions is known. */
  isBefore(delivery: string, index: number, at: string): boolean | null;
};

type Place = Followed & Pick<Echo, 'delivery'> & { readonly index: number | null };

/** Queries the log only if a person has acted and there is an action of ours that this may follow. */
export async function echoesOf(
  tx: Tx,
  known: readonly Echo[],
  recognition: Recognition,
  actions: readonly ObservedAction[],
): Promise<Echoes> {
  const places = placesOf(known, recognition, actions);
  const isAsked = places.length > 0 && recognition.actions.some(({ as }) => as === 'new');
  const mirrors = isAsked ? await mirrorsOf(tx, [...new Set(places.map(({ delivery }) => delivery))]) : noMirrors;
  return echoesAt(places, mirrors, (index) => actions[index]?.externalId ?? null);
}

const noMirrors: ReadonlyMap<string, string> = new Map();

/** Returns the mirrors on which these deliveries arrived; without receipts, which report on actions. */
async function mirrorsOf(tx: Tx, deliveries: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = await rows<{ id: string; mirror: string }>(
    tx,
    sql`select id, mirror from deliveries where id = any(${textArray(deliveries)}::uuid[]) and kind = 'action'`,
  );
  return new Map(found.map(({ id, mirror }) => [id, mirror]));
}

function placesOf(
  known: readonly Echo[],
  { actions: found }: Recognition,
  actions: readonly ObservedAction[],
): Place[] {
  const indexOf = new Map(actions.map((action, index) => [action.externalId, index]));
  const places: Place[] = known.map(({ id, at, delivery }) => ({
    id,
    at,
    delivery,
    index: indexOf.get(id) ?? null,
  }));
  for (const one of found) {
    const action = actions[one.index];
    if (one.as !== 'echo' || action === undefined) continue;
    const { externalId: id, at } = action;
    places.push({ id, at, delivery: one.write.delivery, index: one.index });
  }
  return places;
}

function echoesAt(
  places: readonly Place[],
  mirrors: ReadonlyMap<string, string>,
  idAt: (index: number) => string | null,
): Echoes {
  return {
    isBefore(delivery, index, at) {
      const own = places.filter((place) => place.delivery === delivery);
      return own.length === 0 ? null : own.some((place) => isEarlier(place, index, at, idAt(index)));
    },
    before(index, at, mirror) {
      const earlier = places.filter(
        (place) => mirrors.get(place.delivery) === mirror && isEarlier(place, index, at, idAt(index)),
      );
      return earlier.reduce<Place | null>(
        (last, one) => (last !== null && isEarlier(one, last.index, last.at, last.id) ? last : one),
        null,
      );
    },
  };
}

/** Compares by the desk's own order if the reading shows both, else by growing ids, else by its clock. */
function isEarlier(place: Place, index: number | null, at: string, id: string | null): boolean {
  if (place.index !== null && index !== null) return place.index < index;
  const [own, other] = [numberOf(place.id), numberOf(id ?? '')];
  if (own !== null && other !== null) return own < other;
  return Date.parse(place.at) <= Date.parse(at);
}
