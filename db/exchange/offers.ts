/**
 * Entries that an API client reads, and the record of what it has read: asking with a later cursor confirms everything
 * up to it. Positions are read in order and without gaps: put-offers.ts holds a lock that readers wait for, since
 * positions are assigned before they are committed.
 */
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import type { WireAction, WireReceipt } from '#core/wire.ts';
import { rows, type Client, type Db, type Tx } from '#db/base/client.ts';
import { typeHasReach } from '#db/base/reach.ts';
import { settleLane } from '#db/carry/lanes.ts';
import { endSent } from './receive-receipts.ts';
import type { VersionCache } from '#db/settings/settings-in-force.ts';

export type OfferEntry = {
  readonly position: number;
  readonly mirror: string;
  readonly action: WireAction | null;
  readonly receipt: WireReceipt | null;
};

export type ReadOffers = {
  readonly link: string;
  /** Null for all mirrors. */
  readonly mirror: string | null;
  readonly after: number;
  readonly limit: number;
};

export type ReadOn = { readonly entries: readonly OfferEntry[]; readonly wake: readonly string[] };

/** Confirms everything up to `after`; returns what follows it, and the instances to wake. */
export async function readOn(tx: Tx, asked: ReadOffers): Promise<ReadOn> {
  const { link, mirror, after, limit } = asked;
  // Before any row: put-offers.ts holds this lock while it waits for the lane.
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`offers/${link}`}, 0))`);
  const wake = after === 0 ? [] : await markRead(tx, asked);
  const entries = await rows<OfferEntry>(
    tx,
    sql`select position::float8 as position, coalesce((select m.said_id from mirrors m where m.id = offers.mirror), mirror) as mirror,
        action, receipt from offers
      where link = ${link} and position > ${after} and (${mirror}::uuid is null or mirror = ${mirror}::uuid)
      order by position limit ${limit}`,
  );
  return { entries, wake };
}

/**
 * Marks entries as read: actions now wait for their receipts, receipts have ended. Lanes are locked before their
 * deliveries, as everywhere.
 */
async function markRead(tx: Tx, { link, mirror, after }: ReadOffers): Promise<string[]> {
  const seen = sql`select delivery, mirror from offers
    where link = ${link} and position <= ${after} and read_at is null and (${mirror}::uuid is null or mirror = ${mirror}::uuid)`;
  const lanes = await rows<{ mirror: string; to: string }>(
    tx,
    sql`select l.mirror, l.to_instance as "to" from lanes l join instances i on i.id = l.to_instance and ${typeHasReach('i.type', 'api')}
      where l.mirror in (select mirror from (${seen}) seen) order by l.mirror, l.to_instance for update of l`,
  );
  if (lanes.length === 0) return [];
  await tx.execute(
    sql`with seen as (${seen}), read as (
        update offers set read_at = now() from seen where offers.delivery = seen.delivery
      )
      update deliveries d set accepted_at = coalesce(d.accepted_at, now()),
        outcome = case when d.kind = 'receipt' then 'applied' else d.outcome end,
        ended_at = case when d.kind = 'receipt' then now() else d.ended_at end
      from seen where d.id = seen.delivery and d.outcome is null`,
  );
  for (const lane of lanes) await tx.execute(settleLane(lane.mirror, lane.to));
  return [...new Set(lanes.map(({ to }) => to))];
}

const silentMinutes = 60;

/**
 * Ends actions that a client read an hour ago without sending a receipt: they count as applied. Escalations do not:
 * without a receipt there is no ticket. Returns the instances to wake.
 */
export async function endRead(db: Client, cache: VersionCache, limit = 200): Promise<string[]> {
  const due = await rows<{ id: string; desk: string }>(
    db,
    sql`select d.id, i.name as desk from deliveries d join offers o on o.delivery = d.id join instances i on i.id = d.to_instance
      where d.outcome is null and d.accepted_at is not null and d.kind = 'action' and not d.escalation and ${typeHasReach('i.type', 'api')}
        and o.read_at < now() - make_interval(mins => ${silentMinutes})
      order by o.position limit ${limit}`,
  );
  const wake = new Set<string>();
  for (const { id, desk } of due) {
    const at = new Date().toISOString();
    const said = {
      outcome: 'applied',
      reason: reason('read-by-client', { desk }),
      drops: [],
      ticket: null,
      acceptedAt: at,
      endedAt: at,
      attempts: 0,
    } as const;
    for (const one of await db.transaction((tx) => endSent(tx, cache, id, { ...said, drops: [] }))) wake.add(one);
  }
  return [...wake];
}

/** Deletes entries that were read a week ago, and those older than the link's retention. */
export async function purgeOffers(db: Db): Promise<void> {
  await db.execute(
    sql`delete from offers where position in (
      select o.position from offers o join links l on l.id = o.link
      where o.read_at < now() - interval '7 days'
        or o.offered_at < now() - make_interval(days => (l.settings->>'retentionDays')::int)
      limit 5000)`,
  );
}
