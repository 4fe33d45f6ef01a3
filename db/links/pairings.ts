/** Pairings: invitations, their progress, and the checks of a link as they arrive. */
import { randomUUID } from 'node:crypto';
import { desc, eq, sql } from 'drizzle-orm';
import type { SideName } from '#core/words/vocabulary.ts';
import type { WireContact } from '#core/wire.ts';
import { rows, type Db } from '#db/base/client.ts';
import { pairings, type Check } from '#db/schema/pairings.ts';

export type { Check } from '#db/schema/pairings.ts';
export type Pairing = typeof pairings.$inferSelect;

/** How long an invitation or a run of the checks may take. Minutes. */
export const pairingMinutes = 15;
const inMinutes = sql`now() + make_interval(mins => ${pairingMinutes})`;

export type NewPairing = {
  readonly link: string;
  readonly side: SideName;
  readonly instance: string;
  readonly name: string | null;
  readonly contact: WireContact | null;
  readonly by: string;
};

/**
 * Creates an invitation; an earlier one for the same link becomes invalid. Returns its id and expiry; the caller audits
 * it.
 */
export async function createInvitation(
  db: Db,
  invitation: NewPairing & { readonly codeHash: string },
): Promise<{ readonly id: string; readonly expiresAt: string }> {
  const { link, side, instance, name, contact, codeHash, by } = invitation;
  await db.execute(sql`update pairings set state = 'expired' where link = ${link} and state = 'invited'`);
  const [made] = await db
    .insert(pairings)
    .values({ link, side, instance, name, contact, codeHash, createdBy: by, expiresAt: inMinutes })
    .returning({ id: pairings.id, expiresAt: pairings.expiresAt });
  if (made === undefined) throw new Error('an invitation could not be stored');
  return made;
}

/**
 * Stores the acceptance of a code: the worker exchanges it and runs the checks; the caller audits it. `seal` receives
 * the row's context.
 */
export async function createAcceptance(
  db: Db,
  acceptance: NewPairing & {
    readonly issuer: string;
    readonly code: string;
    readonly seal: (plain: string, context: string) => Promise<string>;
  },
): Promise<string> {
  const { link, side, instance, name, contact, issuer, by } = acceptance;
  const id = randomUUID();
  await db.insert(pairings).values({
    id,
    link,
    side,
    instance,
    name,
    contact,
    issuer,
    code: await acceptance.seal(acceptance.code, codeContext(id)),
    state: 'pairing',
    run: randomUUID(),
    createdBy: by,
    expiresAt: inMinutes,
  });
  return id;
}

export function codeContext(id: string): string {
  return `pairings/${id}/code`;
}

/** Finds the invitation of a code; null for any code without a valid one, whatever the reason. */
export async function findInvitation(db: Db, codeHash: string): Promise<Pairing | null> {
  const [row] = await db
    .select()
    .from(pairings)
    .where(
      sql`${pairings.codeHash} = ${codeHash} and ${pairings.state} = 'invited' and ${pairings.usedAt} is null and ${pairings.expiresAt} > now()`,
    );
  return row ?? null;
}

/** Finds the invitation that this same peer has just exchanged: it may have missed the answer. */
export async function findExchanged(
  db: Db,
  codeHash: string,
  peer: { readonly issuer: string; readonly clientId: string },
): Promise<Pairing | null> {
  const [row] = await db
    .select()
    .from(pairings)
    .where(
      sql`${pairings.codeHash} = ${codeHash} and ${pairings.state} = 'pairing' and ${pairings.expiresAt} > now()
        and ${pairings.issuer} = ${peer.issuer} and exists (
          select 1 from peers p where p.link = ${pairings.link} and p.client_id = ${peer.clientId})`,
    );
  return row ?? null;
}

/** Returns the other side's client id here. */
export async function clientOf(db: Db, link: string): Promise<string> {
  const [row] = await rows<{ id: string }>(
    db,
    sql`select id from clients where link = ${link} and revoked_at is null order by created_at desc limit 1`,
  );
  if (row === undefined) throw new Error(`the link ${link} has no client`);
  return row.id;
}

/** Takes an invitation, which is valid once; returns false for everybody but the first. */
export async function takeInvitation(db: Db, id: string, issuer: string): Promise<boolean> {
  const taken = await rows(
    db,
    sql`update pairings set state = 'pairing', used_at = now(), issuer = ${issuer}, asks = false
      where id = ${id} and state = 'invited' and used_at is null and expires_at > now() returning id`,
  );
  return taken.length > 0;
}

/** Deletes a code that was exchanged. */
export async function forgetCode(db: Db, id: string): Promise<void> {
  await db.execute(sql`update pairings set code = null, used_at = coalesce(used_at, now()) where id = ${id}`);
}

export async function loadPairing(db: Db, id: string): Promise<Pairing | null> {
  const [row] = await db.select().from(pairings).where(eq(pairings.id, id));
  return row ?? null;
}

/** Returns the link's most recent pairing. */
export async function latestPairing(db: Db, link: string): Promise<Pairing | null> {
  const [row] = await db
    .select()
    .from(pairings)
    .where(eq(pairings.link, link))
    .orderBy(desc(pairings.createdAt), desc(pairings.id))
    .limit(1);
  return row ?? null;
}

/**
 * Runs the checks of a link again, for us or for the other side, which then sends its own results. A repeated request
 * for the same run has no effect. Returns null if the link was never paired.
 */
export async function startChecks(
  db: Db,
  link: string,
  input: { readonly run: string; readonly asks: boolean; readonly theirs: readonly Check[] },
): Promise<Pairing | null> {
  const latest = await latestPairing(db, link);
  if (latest === null) return null;
  await db.execute(
    sql`update pairings set state = 'pairing', run = ${input.run}, asks = ${input.asks}, expires_at = ${inMinutes},
        checks = ${JSON.stringify(input.theirs)}::jsonb
      where id = ${latest.id} and run is distinct from ${input.run}::uuid`,
  );
  return loadPairing(db, latest.id);
}

/** Stores a check; returns false if another run has begun. */
export async function saveCheck(db: Db, id: string, run: string, check: Check): Promise<boolean> {
  return saveChecks(db, id, run, [check]);
}

export async function saveChecks(db: Db, id: string, run: string, checks: readonly Check[]): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [row] = await rows<{ checks: Check[] }>(
      tx,
      sql`select checks from pairings where id = ${id} and run = ${run} and state = 'pairing' for update`,
    );
    if (row === undefined) return false;
    const kept = row.checks.filter(
      (old) => !checks.some(({ name, direction }) => name === old.name && direction === old.direction),
    );
    await tx.execute(sql`update pairings set checks = ${JSON.stringify([...kept, ...checks])}::jsonb where id = ${id}`);
    return true;
  });
}

/** Ends a pairing; returns false if another run has begun, or it had already ended. */
export async function endPairing(
  db: Db,
  id: string,
  run: string,
  state: 'paired' | 'failed' | 'expired',
): Promise<boolean> {
  const ended = await rows(
    db,
    sql`update pairings set state = ${state}, code = null
      where id = ${id} and run = ${run} and state = 'pairing' returning id`,
  );
  return ended.length > 0;
}

/** Lists the pairings that need a worker. */
export async function duePairings(db: Db): Promise<{ readonly id: string; readonly run: string }[]> {
  await db.execute(
    sql`update pairings set state = 'expired', code = null where state in ('invited', 'pairing') and expires_at <= now()`,
  );
  return rows<{ id: string; run: string }>(
    db,
    sql`select id, run from pairings where state = 'pairing' and run is not null order by created_at limit 50`,
  );
}
