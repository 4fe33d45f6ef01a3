/** Caches the keys of our instances for a moment, so that a request needs no query for them. */
import { importJWK } from 'jose';
import type { CryptoKey, JWK } from 'jose';
import type { Client } from '#db/base/client.ts';
import { openKey, publishedKeys } from '#db/links/keys.ts';
import type { Jwk, Open, PublishedKey, SigningKey } from '#db/links/keys.ts';

export type VerifyingKey = { readonly instance: string; readonly key: CryptoKey };

export type KeyRing = {
  /** Returns the key that signs an instance's access tokens; null if the instance is unknown. */
  signing(instance: string): Promise<SigningKey | null>;
  /** Returns a key that may have signed an access token; null if there is none of that name, or it has another use. */
  verifying(kid: string): Promise<VerifyingKey | null>;
  /** Returns the instance's key set; null if the instance is unknown. */
  published(instance: string): Promise<readonly Jwk[] | null>;
};

export type KeyRingOptions = {
  readonly db: Client;
  readonly open: Open;
  /** How long to cache, much less than the time for which keys are published before they sign. Milliseconds, default 5000. */
  readonly maxAgeMs?: number;
  /** The shortest time between two readings after a miss, because anybody can cause misses. Default 250. */
  readonly missMs?: number;
};

type Loaded = {
  readonly at: number;
  readonly byKid: ReadonlyMap<string, PublishedKey>;
  readonly byInstance: ReadonlyMap<string, readonly PublishedKey[]>;
};

export function createKeyRing(options: KeyRingOptions): KeyRing {
  const { db, open } = options;
  const [maxAgeMs, missMs] = [options.maxAgeMs ?? 5_000, options.missMs ?? 250];
  let loaded: Loaded | null = null;
  let loading: Promise<Loaded> | null = null;
  const opened = new Map<string, Promise<SigningKey>>();
  const imported = new Map<string, Promise<CryptoKey>>();

  function load(): Promise<Loaded> {
    loading ??= publishedKeys(db)
      .then((keys) => {
        const byKid = new Map(keys.map((key) => [key.kid, key]));
        for (const known of [opened, imported]) for (const kid of known.keys()) if (!byKid.has(kid)) known.delete(kid);
        loaded = { at: performance.now(), byKid, byInstance: Map.groupBy(keys, ({ instance }) => instance) };
        return loaded;
      })
      .finally(() => {
        loading = null;
      });
    return loading;
  }

  /** Searches with `find` in the cached keys, and again after reading them. */
  async function look<T>(find: (keys: Loaded) => T | undefined): Promise<T | null> {
    const age = loaded === null ? Infinity : performance.now() - loaded.at;
    const known = loaded === null || age > maxAgeMs ? await load() : loaded;
    const found = find(known);
    if (found !== undefined) return found;
    if (performance.now() - known.at < missMs) return null;
    return find(await load()) ?? null;
  }

  return {
    async signing(instance) {
      const row = await look(({ byInstance }) =>
        byInstance.get(instance)?.find(({ use, signing }) => use === 'token' && signing),
      );
      return row === null ? null : once(opened, row.kid, async () => ({ kid: row.kid, key: await openKey(open, row) }));
    },
    async verifying(kid) {
      const row = await look(({ byKid }) => byKid.get(kid));
      if (row === null || row.use !== 'token') return null;
      const key = await once(imported, kid, () => importJWK(row.public as JWK, 'EdDSA') as Promise<CryptoKey>);
      return { instance: row.instance, key };
    },
    async published(instance) {
      const found = await look(({ byInstance }) => byInstance.get(instance));
      return found === null ? null : found.map((row) => row.public);
    },
  };
}

/** Caches the result of `make`, but not a failure. */
function once<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const there = known.get(key);
  if (there !== undefined) return there;
  const made = make();
  known.set(key, made);
  made.catch(() => known.delete(key));
  return made;
}
