/**
 * Who owns tickets and the actions on them, as far as the log knows: an action that belongs to somebody else is no
 * trace of a write in question.
 */
import { sql } from 'drizzle-orm';
import type { Ref } from '#core/words/vocabulary.ts';
import { rows, type Db } from '#db/base/client.ts';
import { textArray } from '#db/base/text-array.ts';

/** Returns ids of later actions that are people's, or of other deliveries. `after`: instant, by the desk's clock. */
export async function idsOfOthers(db: Db, ref: Ref, delivery: string, after: string): Promise<Set<string>> {
  const { instance, entity, externalId } = ref;
  const found = await rows<{ id: string }>(
    db,
    sql`select external_id as id from written_ids
      where instance = ${instance} and entity = ${entity} and ticket = ${externalId} and delivery <> ${delivery} and at >= ${after}
      union all
      select external_id from actions
      where instance = ${instance} and entity = ${entity} and ticket = ${externalId} and at >= ${after}`,
  );
  return new Set(found.map(({ id }) => id));
}

/** Assigns actions that were logged before their owner was known to this step. */
export async function claimIds(
  db: Db,
  { instance, entity, externalId }: Ref,
  ids: readonly string[],
  { delivery, step }: { readonly delivery: string; readonly step: number },
): Promise<void> {
  if (ids.length === 0) return;
  await db.execute(
    sql`update written_ids set "as" = 'echo', delivery = ${delivery}, step = ${step}
      where instance = ${instance} and entity = ${entity} and ticket = ${externalId} and external_id = any(${textArray(ids)})
        and delivery is null`,
  );
}

/** Tells whether another mirror has this ticket. */
export async function isAnothers(db: Db, { instance, entity, externalId }: Ref, mirror: string): Promise<boolean> {
  const found = await rows(
    db,
    sql`select 1 as one from mirrors where id <> ${mirror}
      and ((first_instance = ${instance} and first_entity = ${entity} and first_ticket = ${externalId})
        or (second_instance = ${instance} and second_entity = ${entity} and second_ticket = ${externalId})) limit 1`,
  );
  return found.length > 0;
}
