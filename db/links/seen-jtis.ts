/** Ids of assertions, proofs and revoked tokens. What they are said to be is the sender's, so only a hash is kept. */
import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import type { Db } from '#db/base/client.ts';

export type JtiKind = 'assertion' | 'proof' | 'revoked';

/** How an id is kept: of one length, in characters that a text column takes, and apart from ids of other kinds. */
export function jtiHash(kind: JtiKind, jti: string): string {
  return createHash('sha256').update(`${kind} ${jti}`).digest('base64url');
}

/**
 * Remembers an id, and forgets a few that are over.
 * @param expiresAt from when it would be refused anyway
 * @returns false where it was there already
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
