/**
 * Signing keys of our instances. A key is published before it signs, so that everybody who caches our key set knows it
 * by then, and stays published until nothing that it signed is accepted any more. All times are by the database's
 * clock.
 */
import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import type { Db } from '#db/base/client.ts';
import { keys } from '#db/schema/keys.ts';

export const keyUses = ['token', 'client', 'provenance'] as const;
export type KeyUse = (typeof keyUses)[number];
export type Jwk = Readonly<Record<string, unknown>>;

/** Seals a text for one place, and opens it again; config/secrets.ts with its keys applied. */
export type Seal = (plaintext: string, context: string) => Promise<string>;
export type Open = (sealed: string, context: string) => Promise<string>;

export type SigningKey = { readonly kid: string; readonly key: webcrypto.CryptoKey };

export type PublishedKey = {
  readonly kid: string;
  readonly instance: string;
  readonly use: KeyUse;
  readonly public: Jwk;
  /** Sealed. */
  readonly private: string;
  /** Whether it is the one that currently signs for its instance and use. */
  readonly signing: boolean;
};

/** Others cache a key set for at most 10 minutes; half as much again is added for them to fetch it. */
export const publishMs = 15 * 60_000;
/** Its last signature is valid for 5 minutes, others cache the key set for 10, and clocks may differ by a minute. */
export const keepMs = 16 * 60_000;

/** Creates a key that signs at once for each use that has none. */
export async function ensureKeys(db: Db, seal: Seal, instance: string): Promise<void> {
  await db.transaction(async (tx) => {
    await lockKeys(tx, instance);
    for (const use of keyUses)
      if (!(await hasSigningKey(tx, instance, use))) await insertKey(tx, seal, instance, use, 0);
  });
}

/** @throws Error if the instance has no key for that use; whatever `open` throws */
export async function signingKey(db: Db, open: Open, instance: string, use: KeyUse): Promise<SigningKey> {
  const [found] = await rows<{ kid: string; private: string }>(
    db,
    sql`select kid, private from keys
      where instance = ${instance} and use = ${use} and signs_from <= now() and (retires_at is null or retires_at > now())
      order by signs_from desc, created_at desc limit 1`,
  );
  if (found === undefined) throw new Error(`the instance ${instance} has no key of the use ${use}; run ensureKeys`);
  return { kid: found.kid, key: await openKey(open, found) };
}

/** Opens the private key for signing only: it can't be exported. */
export async function openKey(
  open: Open,
  key: { readonly kid: string; readonly private: string },
): Promise<webcrypto.CryptoKey> {
  const jwk = JSON.parse(await open(key.private, privateKeyContext(key.kid))) as webcrypto.JsonWebKey;
  return webcrypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['sign']);
}

/** Returns the instance's key set: keys of all uses, including those that do not sign yet or any more. Newest first. */
export async function publicKeys(db: Db, instance: string): Promise<readonly Jwk[]> {
  const found = await rows<{ public: Jwk }>(
    db,
    sql`select public from keys where instance = ${instance} and (retires_at is null or retires_at > now())
      order by signs_from desc, kid`,
  );
  return found.map((row) => row.public);
}

/** Returns the published keys of all instances. */
export async function publishedKeys(db: Db): Promise<readonly PublishedKey[]> {
  return rows<PublishedKey>(
    db,
    sql`select kid, instance, use, public, private,
        signs_from <= now() and row_number() over (
          partition by instance, use, signs_from <= now() order by signs_from desc, created_at desc
        ) = 1 as signing
      from keys where retires_at is null or retires_at > now()
      order by instance, use, signs_from desc`,
  );
}

export type Rotation = { readonly kid: string; readonly signsFrom: string };

/**
 * Creates the next key for a use: published now, signing after `publishMs`; `keepMs` later the old ones leave the key
 * set. A provenance key stays in it, since what it signed is verified for as long as it is kept.
 */
export async function rotateKey(
  db: Db,
  seal: Seal,
  instance: string,
  use: KeyUse,
  options: { readonly publishMs?: number; readonly keepMs?: number } = {},
): Promise<Rotation> {
  return db.transaction(async (tx) => {
    await lockKeys(tx, instance);
    const made = await insertKey(tx, seal, instance, use, options.publishMs ?? publishMs);
    if (use !== 'provenance')
      await tx.execute(
        sql`update keys set retires_at = ${made.signsFrom}::timestamptz + make_interval(secs => ${(options.keepMs ?? keepMs) / 1000})
          where instance = ${instance} and use = ${use} and kid <> ${made.kid} and retires_at is null`,
      );
    return made;
  });
}

export type OwnKey = { readonly instance: string; readonly use: KeyUse; readonly isRetired: boolean };

/** Finds one of our keys by name; null for any other. */
export async function ownKey(db: Db, kid: string): Promise<OwnKey | null> {
  const [found] = await rows<OwnKey>(
    db,
    sql`select instance, use, retires_at is not null and retires_at <= clock_timestamp() as "isRetired" from keys where kid = ${kid}`,
  );
  return found ?? null;
}

/**
 * Retires a key that somebody else may have: it leaves the key set at once, and if it was the one that signs, a new key
 * signs at once. Others may refuse the new one until they fetch the key set again.
 * @returns the new key; null if none was needed, or if the key does not exist
 */
export async function retireKey(db: Db, seal: Seal, kid: string): Promise<Rotation | null> {
  return db.transaction(async (tx) => {
    const [found] = await rows<{ instance: string }>(tx, sql`select instance from keys where kid = ${kid}`);
    if (found === undefined) return null;
    await lockKeys(tx, found.instance);
    const [gone] = await rows<{ instance: string; use: KeyUse }>(
      tx,
      sql`update keys set retires_at = clock_timestamp()
        where kid = ${kid} and (retires_at is null or retires_at > now()) returning instance, use`,
    );
    if (gone === undefined) return null;
    // A key that is being phased out is no successor.
    const [stays] = await rows(
      tx,
      sql`select kid from keys where instance = ${gone.instance} and use = ${gone.use} and retires_at is null
        and signs_from <= clock_timestamp() limit 1`,
    );
    if (stays !== undefined) return null;
    return insertKey(tx, seal, gone.instance, gone.use, 0);
  });
}

/** Keeps two processes from both finding a key missing. */
async function lockKeys(db: Db, instance: string): Promise<void> {
  await db.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`keys/${instance}`}, 0))`);
}

async function hasSigningKey(db: Db, instance: string, use: KeyUse): Promise<boolean> {
  const found = await rows<{ kid: string }>(
    db,
    sql`select kid from keys where instance = ${instance} and use = ${use} and signs_from <= clock_timestamp()
      and (retires_at is null or retires_at > clock_timestamp()) limit 1`,
  );
  return found.length > 0;
}

async function insertKey(db: Db, seal: Seal, instance: string, use: KeyUse, inMs: number): Promise<Rotation> {
  const kid = randomBytes(8).toString('hex');
  const pair = generateKeyPairSync('ed25519');
  const { kty, crv, x } = pair.publicKey.export({ format: 'jwk' });
  // Without `alg`: some sign with `EdDSA`, others with its newer name `Ed25519`.
  const jwk = { kty, crv, x, kid, use: 'sig' };
  const secret = JSON.stringify(pair.privateKey.export({ format: 'jwk' }));
  const [made] = await db
    .insert(keys)
    .values({
      kid,
      instance,
      use,
      public: jwk,
      private: await seal(secret, privateKeyContext(kid)),
      signsFrom: sql`clock_timestamp() + make_interval(secs => ${inMs / 1000})` as unknown as string,
    })
    .returning({ kid: keys.kid, signsFrom: keys.signsFrom });
  if (made === undefined) throw new Error('the new key was not stored');
  return made;
}

/** Returns the context that a private key is sealed for. */
export function privateKeyContext(kid: string): string {
  return `keys/${kid}/private`;
}
