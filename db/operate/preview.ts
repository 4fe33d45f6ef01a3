/** What a preview decides again: the deliveries of a ticket, or the last ones of a link, with all that deciding needs. */
import { sql, type SQL } from 'drizzle-orm';
import type { Outcome, Reason, Ref } from '#core/words/vocabulary.ts';
import { rows, type Db } from '#db/base/client.ts';
import { uuidArray } from '#db/base/text-array.ts';
import { contextOf, contextQuery, type DeliveryContext, type HeadRow } from '#db/carry/delivery-context.ts';

export type PreviewedDelivery = {
  readonly context: DeliveryContext;
  /** Null: it has not ended. */
  readonly outcome: Outcome | null;
  readonly reason: Reason | null;
};

/** Mirrors of a link that have this ticket at one of their ends, oldest first. */
export async function mirrorsOn(
  db: Db,
  link: string,
  { instance, entity, externalId }: Ref,
): Promise<readonly string[]> {
  const found = await rows<{ id: string }>(
    db,
    sql`select id from mirrors
      where link = ${link} and ((first_instance = ${instance} and first_entity = ${entity} and first_ticket = ${externalId})
        or (second_instance = ${instance} and second_entity = ${entity} and second_ticket = ${externalId}))
      order by id`,
  );
  return found.map(({ id }) => id);
}

/** The newest of these mirrors, at most so many; oldest first. */
export function deliveriesOn(db: Db, mirrors: readonly string[], most: number): Promise<readonly PreviewedDelivery[]> {
  return previewed(
    db,
    sql`select * from deliveries where mirror = any(${uuidArray(mirrors)}) and kind = 'action' order by id desc limit ${most}`,
  );
}

/** The newest of a link, at most so many; oldest first. */
export function lastDeliveries(db: Db, link: string, most: number): Promise<readonly PreviewedDelivery[]> {
  return previewed(
    db,
    sql`select d.* from deliveries d join mirrors m on m.id = d.mirror
      where m.link = ${link} and d.kind = 'action' order by d.id desc limit ${most}`,
  );
}

/** These, in the order of their ids; what is not there, or no action's, is left out. */
export function namedDeliveries(db: Db, ids: readonly string[]): Promise<readonly PreviewedDelivery[]> {
  return previewed(db, sql`select * from deliveries where id = any(${uuidArray(ids)}) and kind = 'action'`);
}

async function previewed(db: Db, which: SQL): Promise<readonly PreviewedDelivery[]> {
  const contexts = (await rows<HeadRow>(db, contextQuery(which))).map(contextOf);
  const ended = await rows<{ id: string; outcome: Outcome | null; reason: Reason | null }>(
    db,
    sql`select id, outcome, reason from deliveries where id = any(${uuidArray(contexts.map(({ delivery }) => delivery.id))})`,
  );
  const endedBy = new Map(ended.map((one) => [one.id, one]));
  return contexts
    .toSorted((a, b) => Date.parse(a.action.at) - Date.parse(b.action.at) || (a.delivery.id < b.delivery.id ? -1 : 1))
    .map((context) => {
      const { outcome = null, reason = null } = endedBy.get(context.delivery.id) ?? {};
      return { context, outcome, reason };
    });
}
