/** Carries a refused delivery again, decided by today's settings: the cause of the refusal may have been fixed. */
import { sql } from 'drizzle-orm';
import { isRemote } from '#core/words/reach.ts';
import type { Reason } from '#core/words/vocabulary.ts';
import { requeueRefused } from '#db/carry/requeue.ts';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { uuidArray } from '#db/base/text-array.ts';
import { lockDelivery } from './operate.ts';

/**
 * `elsewhere`: another gateway or API client refused it, so it must be retried there. `opens`: it was to open a ticket.
 */
export type Replayed =
  | { readonly done: true; readonly to: string; readonly refused: Reason | null }
  | { readonly done: false; readonly why: 'unknown' | 'not-refused' | 'elsewhere' | 'opens' };

/**
 * Puts it at the end of its lane; what it writes will say when it was written.
 * @param quiet it mails no end user, whatever the settings say
 */
export async function replayDelivery(tx: Tx, id: string, quiet = false): Promise<Replayed> {
  const delivery = await lockDelivery(tx, id);
  if (delivery === null) return { done: false, why: 'unknown' };
  const { mirror, to, outcome, opens, reason } = delivery;
  const [row] = await rows<{ type: string; kind: string }>(
    tx,
    sql`select i.type, d.kind from deliveries d join instances i on i.id = d.to_instance where d.id = ${id}`,
  );
  if (outcome !== 'refused' || row?.kind !== 'action') return { done: false, why: 'not-refused' };
  if (isRemote(row.type)) return { done: false, why: 'elsewhere' };
  if (opens) return { done: false, why: 'opens' };
  await requeueRefused(tx, id, { mirror, to }, quiet);
  return { done: true, to, refused: reason };
}

export type RefusedFilter = {
  /** Only these. */
  readonly ids?: readonly string[] | undefined;
  /** When they were refused: instants; `since` counts, `until` does not. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly limit: number;
};

/** Refused actions of a link, in the order in which they were recorded; the oldest `limit`. */
export async function refusedOn(
  db: Db,
  link: string,
  { ids, since, until, limit }: RefusedFilter,
): Promise<readonly string[]> {
  const found = await rows<{ id: string }>(
    db,
    sql`select d.id from deliveries d join mirrors m on m.id = d.mirror join actions a on a.id = d.action
      where m.link = ${link} and d.kind = 'action' and d.outcome = 'refused'
        and ${ids === undefined ? sql`true` : sql`d.id = any(${uuidArray(ids)})`}
        and ${since === undefined ? sql`true` : sql`d.ended_at >= ${since}::timestamptz`}
        and ${until === undefined ? sql`true` : sql`d.ended_at < ${until}::timestamptz`}
      order by a.at, d.seq, d.id limit ${limit}`,
  );
  return found.map(({ id }) => id);
}

/** Those of these that are deliveries on this link, whatever became of them. */
export async function deliveriesOfLink(db: Db, link: string, ids: readonly string[]): Promise<readonly string[]> {
  const found = await rows<{ id: string }>(
    db,
    sql`select d.id from deliveries d join mirrors m on m.id = d.mirror where m.link = ${link} and d.id = any(${uuidArray(ids)})`,
  );
  return found.map(({ id }) => id);
}
