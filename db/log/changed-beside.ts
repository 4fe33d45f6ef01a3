/** Finds changes of a ticket that none of its actions records, unless the log already has them. */
import type { Changed, Ref, TicketSnapshot } from '#core/words/vocabulary.ts';
import type { ObservedAction } from '#core/words/desk.ts';
import { sameValue, valueIn } from '#core/log/read-back.ts';
import { unrecorded, type Before, type Unrecorded } from '#core/log/unrecorded.ts';
import type { Tx } from '#db/base/client.ts';
import { knownChanges, type KnownChange } from './changes.ts';

type Read = { readonly ref: Ref; readonly snapshot: TicketSnapshot; readonly actions: readonly ObservedAction[] };

/**
 * A worker that hung may log a reading after a newer one, so the last snapshot may be older than the log. The log's
 * newest value of a field is therefore not a new change.
 */
export async function changedBeside(
  tx: Tx,
  before: Before,
  { ref, snapshot, actions }: Read,
  mirrors: readonly { readonly id: string }[],
): Promise<Unrecorded> {
  const found = unrecorded(
    before,
    snapshot,
    actions.map(({ words }) => words),
  );
  const names = Object.keys(found.fields);
  if (names.length === 0 && found.summary === undefined) return found;
  const { changes } = await knownChanges(
    tx,
    ref,
    mirrors.map(({ id }) => id),
  );
  const isKnown = (says: (changed: Changed) => boolean, isSo: (changed: Changed) => boolean): boolean => {
    const newest = newestOf(changes.filter(({ changed }) => says(changed)));
    return newest !== undefined && isSo(newest.changed);
  };
  const fields = names.filter(
    (name) =>
      !isKnown(
        ({ fields: all }) => valueIn(all, name) !== undefined,
        ({ fields: all }) => sameValue(valueIn(all, name), found.fields[name] ?? null),
      ),
  );
  const { summary } = found;
  const isRetitled =
    summary !== undefined &&
    !isKnown(
      (changed) => changed.summary !== undefined,
      (changed) => changed.summary === summary,
    );
  return {
    ...(isRetitled ? { summary } : {}),
    fields: Object.fromEntries(fields.map((name) => [name, found.fields[name] ?? null])),
  };
}

function newestOf(changes: readonly KnownChange[]): KnownChange | undefined {
  return changes.reduce<KnownChange | undefined>(
    (newest, one) => (newest === undefined || Date.parse(one.at) >= Date.parse(newest.at) ? one : newest),
    undefined,
  );
}
