/**
 * Public keys that origins sign with, each with the reason for trusting it. For one name and reason, the first key
 * remains the valid one.
 */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';

export type OriginKey = {
  readonly key: Readonly<Record<string, unknown>>;
  /** The link that brought it; null if it came from the origin's own key set. */
  readonly vouchedBy: string | null;
  readonly seenAt: string;
  /** Time since the source last named it. Milliseconds. */
  readonly ageMs: number;
  /** It has been blocked here. */
  readonly isRetired: boolean;
};

/** The key that verified a signature, and why it was trusted. */
export type UsedKey = {
  /** Issuer URL. */
  readonly origin: string;
  readonly kid: string;
  readonly key: Readonly<Record<string, unknown>>;
  readonly vouchedBy: string | null;
  /** The source has named it just now. */
  readonly isConfirmed: boolean;
};

/** Returns all keys with this name, those from the origin itself first. @param origin issuer URL */
export async function keysOf(db: Db, origin: string, kid: string): Promise<OriginKey[]> {
  return [
    ...(await rows<OriginKey>(
      db,
      sql`select key, vouched_by as "vouchedBy", to_json(seen_at)#>>'{}' as "seenAt",
          (extract(epoch from clock_timestamp() - confirmed_at) * 1000)::float8 as "ageMs", retired_at is not null as "isRetired"
        from origin_keys where origin = ${origin} and kid = ${kid} order by vouched_by nulls first`,
    )),
  ];
}

/**
 * Stores a key with its reason. Returns false if another key is known with that name for that reason, so that this one
 * must not be trusted. Called when what it signed is accepted.
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
      on conflict (origin, kid, coalesce(vouched_by, '')) do update
        set confirmed_at = case when known.key->>'x' = excluded.key->>'x' then clock_timestamp() else known.confirmed_at end
      returning key->>'x' = ${String(key['x'])} as same`,
  );
  return row?.same === true;
}

export type OriginStanding = {
  /** A key from its own key set was trusted once, so nobody may vouch for it any more. */
  readonly spokeItself: boolean;
  /** A key of it came through another link, and none through this one. */
  readonly vouchedElsewhere: boolean;
  /** Keys that this link has vouched for, of all origins. */
  readonly vouched: number;
};

export async function originStanding(db: Db, origin: string, link: string): Promise<OriginStanding> {
  const [row] = await rows<OriginStanding>(
    db,
    sql`select coalesce(bool_or(vouched_by is null), false) as "spokeItself",
        coalesce(bool_or(vouched_by <> ${link}) and not bool_or(vouched_by = ${link}), false) as "vouchedElsewhere",
        (select count(*)::int from origin_keys where vouched_by = ${link}) as vouched
      from origin_keys where origin = ${origin}`,
  );
  return row ?? { spokeItself: false, vouchedElsewhere: false, vouched: 0 };
}

/** Returns the names of an origin's keys that were blocked here. */
export async function retiredKids(db: Db, origin: string): Promise<Set<string>> {
  const found = await rows<{ kid: string }>(
    db,
    sql`select distinct kid from origin_keys where origin = ${origin} and retired_at is not null`,
  );
  return new Set(found.map(({ kid }) => kid));
}

/** Returns the origins that have a key with that name, from what they signed or as clients, including blocked ones. */
export async function originsWithKey(db: Db, kid: string): Promise<string[]> {
  const found = await rows<{ origin: string }>(
    db,
    sql`select origin from origin_keys where kid = ${kid}
      union
      select regexp_replace(c.jwks_uri, '/jwks\\.json$', '') from clients c, jsonb_array_elements(c.jwks->'keys') k
        where c.jwks_uri is not null and k->>'kid' = ${kid}
      order by 1`,
  );
  return found.map(({ origin }) => origin);
}

/**
 * Blocks a key: once committed, nothing it signs is accepted, from any sender. Returns false if it was already
 * blocked.
 */
export async function retireOriginKey(db: Db, origin: string, kid: string): Promise<boolean> {
  const done = await rows<{ fresh: boolean }>(
    db,
    sql`insert into origin_keys as known (origin, kid, key, vouched_by, retired_at)
      values (${origin}, ${kid}, '{}'::jsonb, null, clock_timestamp())
      on conflict (origin, kid, coalesce(vouched_by, '')) do update set retired_at = coalesce(known.retired_at, clock_timestamp())
      returning (xmax = 0 or retired_at >= transaction_timestamp()) as fresh`,
  );
  await db.execute(
    sql`update origin_keys set retired_at = clock_timestamp() where origin = ${origin} and kid = ${kid} and retired_at is null`,
  );
  return done[0]?.fresh === true;
}

/**
 * Unblocks a key: what it signs is accepted again, for the same reasons as before. Returns false if it was not blocked.
 */
export async function reinstateOriginKey(db: Db, origin: string, kid: string): Promise<boolean> {
  const done = await rows<{ kid: string }>(
    db,
    sql`with ours as (
        -- If nobody had named it before it was blocked, the row contains no key.
        delete from origin_keys where origin = ${origin} and kid = ${kid} and retired_at is not null and not key ? 'x' returning kid
      ), theirs as (
        update origin_keys set retired_at = null where origin = ${origin} and kid = ${kid} and retired_at is not null and key ? 'x'
        returning kid
      )
      select kid from ours union all select kid from theirs`,
  );
  return done.length > 0;
}

/** Keeps only what makes it a public Ed25519 key, so that the same key is the same text from any sender. */
function publicPart(jwk: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { kty: jwk['kty'], crv: jwk['crv'], x: jwk['x'] };
}
