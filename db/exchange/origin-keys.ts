/** Public keys with which origins sign: the first seen under a name stays the one that counts under it. */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';

export type OriginKey = {
  readonly key: Readonly<Record<string, unknown>>;
  /** The link by which it came; null: the origin's own key set said so. */
  readonly vouchedBy: string | null;
  readonly seenAt: string;
};

/** @param origin issuer URL */
export async function keyOf(db: Db, origin: string, kid: string): Promise<OriginKey | null> {
  const [row] = await rows<OriginKey>(
    db,
    sql`select key, vouched_by as "vouchedBy", to_json(seen_at)#>>'{}' as "seenAt" from origin_keys
      where origin = ${origin} and kid = ${kid}`,
  );
  return row ?? null;
}

/**
 * Remembers a key under its name, or compares it with the one remembered. False: another key is known under that name,
 * and this one must not be trusted. What the origin itself says replaces who vouched before.
 */
export async function rememberKey(
  db: Db,
  origin: string,
  kid: string,
  jwk: Readonly<Record<string, unknown>>,
  vouchedBy: string | null,
): Promise<boolean> {
  const key = publicPart(jwk);
  const [row] = await rows<{ same: boolean }>(
    db,
    sql`insert into origin_keys as known (origin, kid, key, vouched_by)
      values (${origin}, ${kid}, ${JSON.stringify(key)}::jsonb, ${vouchedBy})
      on conflict (origin, kid) do update
        set vouched_by = case when excluded.vouched_by is null and known.key->>'x' = excluded.key->>'x' then null else known.vouched_by end
      returning key->>'x' = ${String(key['x'])} as same`,
  );
  return row?.same === true;
}

/** Whether a key of this origin came by another way than this link: then the link alone can't vouch for a further one. */
export async function knownOtherwise(db: Db, origin: string, link: string): Promise<boolean> {
  const found = await rows(
    db,
    sql`select 1 as one from origin_keys where origin = ${origin} and vouched_by is distinct from ${link} limit 1`,
  );
  return found.length > 0;
}

/** Only what makes it a public Ed25519 key: the same key is the same text, whoever brought it. */
function publicPart(jwk: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { kty: jwk['kty'], crv: jwk['crv'], x: jwk['x'] };
}
