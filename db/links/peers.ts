/** The other gateway of a link: how to call it, and its last report. */
import { eq, sql } from 'drizzle-orm';
import { isRemote, reachOf, type Reach } from '#core/words/reach.ts';
import type { SideName } from '#core/words/vocabulary.ts';
import type { WireLink } from '#core/wire.ts';
import { rows, type Db } from '#db/base/client.ts';
import { peers } from '#db/schema/peers.ts';

export type PeerRow = typeof peers.$inferSelect;

/** Returns null for a link without a peer. */
export async function loadPeer(db: Db, link: string): Promise<PeerRow | null> {
  const [row] = await db.select().from(peers).where(eq(peers.link, link));
  return row ?? null;
}

/**
 * Requires tokens of this link to be bound to keys, at both ends. Returns false if they already were, or the link has
 * no peer.
 */
export async function requireProofs(db: Db, link: string): Promise<boolean> {
  const [ours, theirs] = [
    await rows(db, sql`update peers set dpop = 'required' where link = ${link} and dpop <> 'required' returning link`),
    await rows(
      db,
      sql`update clients set dpop = 'required'
        where link = ${link} and jwks_uri is not null and revoked_at is null and dpop <> 'required' returning id`,
    ),
  ];
  return ours.length + theirs.length > 0;
}

/** Tells whether another link that has not ended goes to the same instance of the peer. */
export async function sharesPeer(db: Db, link: string): Promise<boolean> {
  const found = await rows(
    db,
    sql`select 1 as one from peers mine join peers other on other.issuer = mine.issuer and other.link <> mine.link
      join links l on l.id = other.link and l.state in ('active', 'suspended', 'quarantined')
      where mine.link = ${link} limit 1`,
  );
  return found.length > 0;
}

/** Stores the peer's report about the link, including its contact. Returns the previous one. */
export async function savePeerSaid(db: Db, link: string, said: WireLink): Promise<WireLink | null> {
  const [before] = await rows<{ said: WireLink | null }>(db, sql`select said from peers where link = ${link}`);
  await db
    .update(peers)
    .set({ said, saidAt: sql`now()` })
    .where(eq(peers.link, link));
  if (said.contact !== null)
    await db.execute(
      sql`update links set far_contact = ${JSON.stringify(said.contact)}::jsonb
        where id = ${link} and far_contact is distinct from ${JSON.stringify(said.contact)}::jsonb`,
    );
  return before?.said ?? null;
}

export type Sides = {
  /** The side that this gateway drives; null if it drives both. */
  readonly own: SideName | null;
  readonly far: SideName | null;
  readonly ownInstance: string;
  readonly farInstance: string;
  readonly farName: string;
  readonly farReach: Reach;
};

/** Tells which side of a link is ours; if both are, the customer's. Null if there is no such link. */
export async function sidesOf(db: Db, link: string): Promise<Sides | null> {
  const found = await rows<{ side: SideName; instance: string; type: string; name: string }>(
    db,
    sql`select s.side, s.instance, i.type, i.name from sides s join instances i on i.id = s.instance
      where s.link = ${link} order by s.side`,
  );
  const far = found.find(({ type }) => isRemote(type));
  const own = found.find((side) => side !== far);
  const other = far ?? found.find((side) => side !== own);
  if (own === undefined || other === undefined) return null;
  return {
    own: far === undefined ? null : own.side,
    far: far?.side ?? null,
    ownInstance: own.instance,
    farInstance: other.instance,
    farName: other.name,
    farReach: reachOf(other.type),
  };
}
