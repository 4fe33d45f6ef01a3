/** Clients of the API: who they are, what they prove it with, and whether they may still call. */
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

/** The client, if it works: neither revoked nor of a link that is closed. */
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

/** How a client stands now, in one look; null where it may not call, or the token with this id was revoked. */
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

/** A secret of 256 bits. It is told once; only the hash is kept, which for so long a secret needs no salt and no work. */
export function makeClientSecret(): { readonly secret: string; readonly hash: string } {
  const secret = randomBytes(32).toString('base64url');
  return { secret, hash: hashClientSecret(secret) };
}

/** SHA-256, hex. */
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
 * Gives a client a further secret; those it has go on working for `overlapMs`, or until they end by themselves.
 * @returns false where there is no such client
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

/** From its next token on it has to show a key that the token is bound to. False where that was so, or there is no such client. */
export async function requireProof(db: Db, id: string): Promise<boolean> {
  const done = await rows(
    db,
    sql`update clients set dpop = 'required' where id = ${id} and revoked_at is null and dpop <> 'required' returning id`,
  );
  return done.length > 0;
}

/** From its commit on, neither the client's credentials nor its tokens work. */
export async function revokeClient(db: Db, id: string): Promise<boolean> {
  const done = await rows(
    db,
    sql`update clients set revoked_at = now() where id = ${id} and revoked_at is null returning id`,
  );
  return done.length > 0;
}

/** Keeps the public keys that a client's key set had last, for when it can't be reached. */
export async function rememberClientKeys(db: Db, id: string, jwks: NonNullable<ClientRow['jwks']>): Promise<void> {
  await db
    .update(clients)
    .set({ jwks, jwksReadAt: sql`clock_timestamp()` })
    .where(eq(clients.id, id));
}
