/**
 * Forgets everything that was carried between some instances, for the demo's reset. Settings, catalogues and credentials
 * stay. Never use it for a real desk, because Ferry would carry everything again.
 */
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import type { Db } from '#db/base/client.ts';
import { notifyLanes } from '#db/carry/couriers.ts';
import { textArray, uuidArray } from '#db/base/text-array.ts';

/**
 * Takes the couriers from their drains and stops watchers from reading, for `forMs` milliseconds: work in progress ends, and
 * nothing new begins.
 */
export async function quiesce(db: Db, instances: readonly string[], forMs: number): Promise<void> {
  const named = textArray(instances);
  await db.execute(
    sql`update couriers set epoch = epoch + 1, lease_until = now() + make_interval(secs => ${forMs / 1000})
      where instance = any(${named})`,
  );
  await db.execute(
    sql`update feeds set next_poll_at = now() + make_interval(secs => ${forMs / 1000}) where instance = any(${named})`,
  );
  await db.execute(sql`delete from hints where instance = any(${named})`);
  // A drain that hears this bell sees that it has lost its epoch, and ends immediately.
  await notifyLanes(db, instances);
}

/** Counts promised writes whose result is unknown. */
export async function openWrites(db: Db, instances: readonly string[]): Promise<number> {
  const [row] = await rows<{ count: number }>(
    db,
    sql`select count(*)::int as count from writes where instance = any(${textArray(instances)}) and state = 'open'
      and deadline > now()`,
  );
  return row?.count ?? 0;
}

/** Deletes the mirrors of these instances with everything that refers to them, and the readings of their tickets. */
export async function forgetCarried(db: Db, instances: readonly string[]): Promise<void> {
  const named = textArray(instances);
  await db.transaction(async (tx) => {
    // Lock in the same order as all other code: tickets, mirrors, lanes.
    await tx.execute(
      sql`delete from tickets where (instance, entity, external_id) in (
        select instance, entity, external_id from tickets where instance = any(${named})
        order by instance, external_id for update)`,
    );
    const mirrors = await rows<{ id: string; link: string }>(
      tx,
      sql`delete from mirrors where id in (
          select id from mirrors where first_instance = any(${named}) or second_instance = any(${named})
          order by id for update)
        returning id, link`,
    );
    const ids = uuidArray(mirrors.map(({ id }) => id));
    const links = textArray([...new Set(mirrors.map(({ link }) => link))]);
    await tx.execute(sql`delete from lanes where mirror = any(${ids})`);
    const deliveries = await rows<{ id: string }>(
      tx,
      sql`delete from deliveries where mirror = any(${ids}) returning id`,
    );
    await tx.execute(sql`delete from attempts where delivery = any(${uuidArray(deliveries.map(({ id }) => id))})`);
    await tx.execute(sql`delete from notices where link = any(${links})`);
    await tx.execute(
      sql`delete from attachments where action in (select id from actions where instance = any(${named}))`,
    );
    for (const table of ['actions', 'writes', 'written_ids', 'hints', 'budgets'])
      await tx.execute(sql`delete from ${sql.identifier(table)} where instance = any(${named})`);
    await tx.execute(
      sql`update couriers set failures = 0, retry_at = null, reason = null where instance = any(${named})`,
    );
  });
}

/** Lets couriers and feeds work again. */
export async function goOn(db: Db, instances: readonly string[]): Promise<void> {
  const named = textArray(instances);
  await db.execute(sql`update couriers set lease_until = now() where instance = any(${named})`);
  await db.execute(sql`update feeds set next_poll_at = now() where instance = any(${named})`);
}

/**
 * Deletes what is older than `since` (an instant by the desks' clock): a reading that was in progress during the reset may log
 * old actions after it, and Ferry would then treat reused numbers as known.
 */
export async function forgetOlder(db: Db, instances: readonly string[], since: string): Promise<void> {
  const named = textArray(instances);
  await db.transaction(async (tx) => {
    const stale = await rows<{ id: string }>(
      tx,
      sql`delete from actions where instance = any(${named}) and at < ${since} returning id`,
    );
    const ids = uuidArray(stale.map(({ id }) => id));
    if (stale.length > 0) {
      await tx.execute(sql`delete from deliveries where action = any(${ids})`);
      await tx.execute(sql`delete from lanes l where mirror = any(${ids})`);
      await tx.execute(sql`delete from mirrors where id = any(${ids})`);
    }
    await tx.execute(sql`delete from written_ids where instance = any(${named}) and at < ${since}`);
  });
}
