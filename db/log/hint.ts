/** Hints: records that supposedly have news. Only used to decide where to look. */
import { sql } from 'drizzle-orm';
import type { Db } from '#db/base/client.ts';
import { rows } from '#db/base/client.ts';
import type { InstanceType, Ref } from '#core/words/vocabulary.ts';

/** An empty external id means: look at the entity's feed. */
export type Hint = Ref;

/** Watchers listen here; the notification has no content. */
export const hintChannel = 'ferry_hint';

/**
 * Adds hints in one statement; one that is already waiting is unchanged. Sorted, so that two gateways adding the same
 * ones can't deadlock.
 */
export async function addHints(db: Db, hints: readonly Hint[]): Promise<void> {
  if (hints.length === 0) return;
  await db.execute(sql`
    insert into hints (instance, entity, ticket)
    select distinct hint.instance, hint.entity, hint."externalId"
    from json_to_recordset(${JSON.stringify(hints)}::json) as hint (instance text, entity text, "externalId" text)
    order by 1, 2, 3
    on conflict do nothing`);
}

/** Notifies the watchers. Call it after the commit of addHints, without awaiting it if a caller is waiting. */
export async function notifyHints(db: Db): Promise<void> {
  await db.execute(sql`select pg_notify(${hintChannel}, '')`);
}

export type HookTarget = {
  readonly id: string;
  readonly type: InstanceType;
  readonly hash: string;
};

/** Lists instances that have a webhook, with the SHA-256 (hex) of its secret. */
export async function hookTargets(db: Db): Promise<HookTarget[]> {
  return rows<HookTarget>(
    db,
    sql`select id, type, hook_secret_hash as hash from instances where hook_secret_hash is not null`,
  );
}
