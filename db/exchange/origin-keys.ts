/**
 * Public keys with which origins sign, each with the reason why it is believed. Under one name and reason the first key
 * stays the one that counts.
 */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';

export type OriginKey = {
  readonly key: Readonly<Record<string, unknown>>;
  /** The link by which it came; null: the origin's own key set said so. */
  readonly vouchedBy: string | null;
  readonly seenAt: string;
  /** Since whoever is the reason last named it. Milliseconds. */
  readonly ageMs: number;
  /** It was shut out here. */
  readonly isRetired: boolean;
};

/** What a signature was checked with, and why that key was believed. */
export type UsedKey = {
  /** Issuer URL. */
  readonly origin: string;
  readonly kid: string;
  readonly key: Readonly<Record<string, unknown>>;
  readonly vouchedBy: string | null;
  /** Whoever is the reason has named it just now. */
  readonly isConfirmed: boolean;
};

/** All that are known under the name: what the origin itself said first. @param origin issuer URL */
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
 * Remembers a key with its reason. False: another key is known under that name for that reason, and this one must not be
 * trusted. Called where what it signed is taken in.
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
  /** A key of its own key set was believed once: nobody vouches for it any more. */
  readonly spokeItself: boolean;
  /** A key of it came by another link, and none by this one. */
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

/** Names of an origin's keys that were shut out here. */
export async function retiredKids(db: Db, origin: string): Promise<Set<string>> {
  const found = await rows<{ kid: string }>(
    db,
    sql`select distinct kid from origin_keys where origin = ${origin} and retired_at is not null`,
  );
  return new Set(found.map(({ kid }) => kid));
}

/** Origins of which a key of that name is known, from what they signed or as clients; what is shut out already included. */
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

/** From its commit on nothing that the key signs is taken, whoever names it. False where it was shut out before. */
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

/** What it signs is taken again, for the reasons for which it was believed. False where it is not shut out. */
export async function reinstateOriginKey(db: Db, origin: string, kid: string): Promise<boolean> {
  const done = await rows<{ kid: string }>(
    db,
    sql`with ours as (
        -- Where nobody had named it before it was shut out, there is no key in it.
        delete from origin_keys where origin = ${origin} and kid = ${kid} and retired_at is not null and not key ? 'x' returning kid
      ), theirs as (
        update origin_keys set retired_at = null where origin = ${origin} and kid = ${kid} and retired_at is not null and key ? 'x'
        returning kid
      )
      select kid from ours union all select kid from theirs`,
  );
  return done.length > 0;
}

/** Only what makes it a public Ed25519 key: the same key is the same text, whoever brought it. */
function publicPart(jwk: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { kty: jwk['kty'], crv: jwk['crv'], x: jwk['x'] };
}
