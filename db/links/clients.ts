/** Clients of the API: who they are, how they authenticate, and whether they may still call. */
import { createHash, randomBytes } from 'node:crypto';
import { and, eq, isNull, sql } from 'drizzle-orm';
import type { SideName } from '#core/words/vocabulary.ts';
import type { LinkState } from '#core/wire.ts';
import { rows } from '#db/base/client.ts';
import type { Db } from '#db/base/client.ts';
import { clients } from '#db/schema/clients.ts';
import { jtiHash } from './seen-jtis.ts';

export type ClientRow = typeof clients.$inferSelect;
export type DpopMode = ClientRow['dpop'];

/** Returns the client if it is valid: neither revoked nor on a closed link. */
export async function loadClient(db: Db, id: string): Promise<ClientRow | null> {
  const [found] = await db
    .select()
    .from(clients)
    .where(
      and(
        eq(clients.id, id),
        isNull(clients.revokedAt),
        sql`exists (select 1 from links l where l.id = ${clients.link} and l.state <> 'closed')`,
      ),
    );
  return found ?? null;
}

export type Standing = {
  readonly link: string;
  readonly role: SideName;
  readonly instance: string;
  readonly dpop: DpopMode;
  readonly linkState: LinkState;
};

/** Returns a client's current standing in one query; null if it may not call, or the token with this id was revoked. */
export async function standingOf(db: Db, client: string, token: string): Promise<Standing | null> {
  const [found] = await rows<Standing>(
    db,
    sql`select c.link, c.role, c.instance, c.dpop, l.state as "linkState"
      from clients c join links l on l.id = c.link
      where c.id = ${client} and c.revoked_at is null and l.state <> 'closed'
        and not exists (select 1 from seen_jtis s where s.client = ${client} and s.jti = ${jtiHash('revoked', token)})`,
  );
  return found ?? null;
}

/**
 * Makes a secret of 256 bits. It is shown once; only its hash is stored, which for such a long secret needs neither
 * salt nor stretching.
 */
export function makeClientSecret(): { readonly secret: string; readonly hash: string } {
  const secret = randomBytes(32).toString('base64url');
  return { secret, hash: hashClientSecret(secret) };
}

/** Returns SHA-256, hex. */
export function hashClientSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

export type NewClient = Pick<ClientRow, 'id' | 'link' | 'role' | 'instance'> & {
  readonly secretHashes?: readonly string[];
  readonly jwksUri?: string;
  readonly jwks?: NonNullable<ClientRow['jwks']>;
  readonly dpop?: DpopMode;
};

export async function addClient(db: Db, client: NewClient): Promise<void> {
  await db.insert(clients).values({
    id: client.id,
    link: client.link,
    role: client.role,
    instance: client.instance,
    secrets: (client.secretHashes ?? []).map((hash) => ({ hash, expiresAt: null })),
    jwksUri: client.jwksUri ?? null,
    jwks: client.jwks ?? null,
    dpop: client.dpop ?? 'optional',
  });
}

/**
 * Adds a secret to a client; its existing ones remain valid for `overlapMs`, or until they expire by themselves.
 * @returns false if there is no such client
 */
export async function addClientSecret(db: Db, id: string, hash: string, overlapMs: number): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [client] = await tx
      .select({ secrets: clients.secrets })
      .from(clients)
      .where(eq(clients.id, id))
      .for('update');
    if (client === undefined) return false;
    const [clock] = await rows<{ now: string }>(tx, sql`select clock_timestamp()::text as now`);
    const now = clock === undefined ? Date.now() : Date.parse(clock.now);
    const end = now + overlapMs;
    const kept = client.secrets
      .filter(({ expiresAt }) => expiresAt === null || Date.parse(expiresAt) > now)
      .map((old) =>
        old.expiresAt !== null && Date.parse(old.expiresAt) < end
          ? old
          : { ...old, expiresAt: new Date(end).toISOString() },
      );
    await tx
      .update(clients)
      .set({ secrets: [...kept, { hash, expiresAt: null }] })
      .where(eq(clients.id, id));
    return true;
  });
}

/**
 * Requires the client to prove possession of its key from its next token on. Returns false if that was already
 * required, or there is no such client.
 */
export async function requireProof(db: Db, id: string): Promise<boolean> {
  const done = await rows(
    db,
    sql`update clients set dpop = 'required' where id = ${id} and revoked_at is null and dpop <> 'required' returning id`,
  );
  return done.length > 0;
}

/** Revokes a client: once committed, neither its credentials nor its tokens work. */
export async function revokeClient(db: Db, id: string): Promise<boolean> {
  const done = await rows(
    db,
    sql`update clients set revoked_at = now() where id = ${id} and revoked_at is null returning id`,
  );
  return done.length > 0;
}

/** Stores the public keys last seen in a client's key set, for when it can't be reached. */
export async function rememberClientKeys(db: Db, id: string, jwks: NonNullable<ClientRow['jwks']>): Promise<void> {
  await db
    .update(clients)
    .set({ jwks, jwksReadAt: sql`clock_timestamp()` })
    .where(eq(clients.id, id));
}
