/** Ids of assertions, proofs and revoked tokens. Senders choose them freely, so only a hash is stored. */
import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import type { Db } from '#db/base/client.ts';

export type JtiKind = 'assertion' | 'proof' | 'revoked';

/** Derives the stored form of an id: fixed length, characters that a text column accepts, distinct for each kind. */
export function jtiHash(kind: JtiKind, jti: string): string {
  return createHash('sha256').update(`${kind} ${jti}`).digest('base64url');
}

/**
 * Stores an id, and deletes a few that have expired.
 * @param expiresAt when it would be refused anyway
 * @returns false if it was already stored
 */
export async function seeOnce(db: Db, client: string, kind: JtiKind, jti: string, expiresAt: Date): Promise<boolean> {
  const added = await rows(
    db,
    sql`with over as (
        delete from seen_jtis where (client, jti) in (
          select client, jti from seen_jtis where expires_at < now() - interval '1 minute'
          order by expires_at limit 10 for update skip locked)
      )
      insert into seen_jtis (client, jti, expires_at)
      values (${client}, ${jtiHash(kind, jti)}, ${expiresAt.toISOString()}::timestamptz)
      on conflict do nothing returning jti`,
  );
  return added.length > 0;
}
