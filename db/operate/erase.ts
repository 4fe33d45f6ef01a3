/**
 * Erases stored content. What identifies it stays: ids, times, hashes, signatures, and the fact that it was carried; so
 * nothing is carried again, the chains and proofs of the rest hold, and a reader sees that something was there.
 */
import { sql } from 'drizzle-orm';
import type { Ref } from '#core/words/vocabulary.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { textArray, uuidArray } from '#db/base/text-array.ts';
import { markUnused } from '#db/log/attachments.ts';
import { skipDelivery } from './operate.ts';

export type Erased = {
  readonly actions: number;
  /** Deliveries that were waiting and will no longer be carried. */
  readonly skipped: number;
  /** Files to be deleted within two hours, unless something else refers to them. */
  readonly files: number;
};

/** Erases actions. The caller audits it and passes at most a few hundred. Actions without content are not counted. */
export async function eraseActions(tx: Tx, actions: readonly string[]): Promise<Erased> {
  const of = sql`any(${uuidArray(actions)})`;
  const waiting = await rows<{ id: string }>(
    tx,
    sql`select id from deliveries where action = ${of} and outcome is null order by mirror, id`,
  );
  let skipped = 0;
  for (const { id } of waiting) if ((await skipDelivery(tx, id)).done) skipped += 1;
  const erased = await rows<{ id: string }>(
    tx,
    sql`update actions a set note = null, author = null, words = null, attachments = '[]', signed = null, opening = null, drops = null
      where a.id = ${of} and (a.words is not null or a.note is not null or a.author is not null or a.signed is not null
        or a.opening is not null or a.drops is not null) returning a.id`,
  );
  // Promised actions, relayed parts, receipts and planned writes are content too, and so are the values in a reason.
  await tx.execute(
    sql`update deliveries d set sent = null, constant = null, words = null, drops = null,
        reason = case when d.reason is null or d.reason->>'code' = 'dropped' then d.reason else jsonb_build_object('code', d.reason->'code', 'text', ${gone}::text) end,
        receipt = case when d.receipt is null then null else jsonb_set(jsonb_set(d.receipt, '{action,author}',
          '{"name": "", "role": "automation"}'), '{reason,text}', to_jsonb(${gone}::text), false) end
      where d.action = ${of}`,
  );
  const delivery = sql`any(array(select id from deliveries where action = ${of}))`;
  await tx.execute(
    sql`update attempts set reason = jsonb_build_object('code', reason->'code', 'text', ${gone}::text)
      where delivery = ${delivery} and reason is not null`,
  );
  await tx.execute(sql`update writes set plan = null where delivery = ${delivery} and plan is not null`);
  await tx.execute(sql`delete from offers where delivery = ${delivery}`);
  const freed = await rows<{ sha256: string | null }>(
    tx,
    sql`delete from attachments where action = ${of} returning sha256`,
  );
  const files = [...new Set(freed.flatMap(({ sha256 }) => (sha256 === null ? [] : [sha256])))];
  await markUnused(tx, files);
  return { actions: erased.length, skipped, files: files.length };
}

const gone = 'Erased.';

/**
 * Erases snapshots of tickets without an open mirror; those of open mirrors are unchanged. Returns how many were
 * erased.
 */
export async function eraseSnapshots(tx: Tx, tickets: readonly Ref[]): Promise<number> {
  const column = (of: (one: Ref) => string): ReturnType<typeof textArray> => textArray(tickets.map(of));
  const found = await rows(
    tx,
    sql`update tickets t set snapshot = null where t.snapshot is not null
        and (t.instance, t.entity, t.external_id) in (select * from unnest(${column((one) => one.instance)},
          ${column((one) => one.entity)}, ${column((one) => one.externalId)}))
        and not exists (select 1 from mirrors m where m.state in ('opening', 'open')
          and ((m.first_instance = t.instance and m.first_entity = t.entity and m.first_ticket = t.external_id)
            or (m.second_instance = t.instance and m.second_entity = t.entity and m.second_ticket = t.external_id)))
      returning 1 as one`,
  );
  return found.length;
}
