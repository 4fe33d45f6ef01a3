/**
 * Public keys of clients that authenticate with a signature. A peer's keys come from its key set, which is cached for ten minutes
 * and read again for an unknown key, at most every thirty seconds. If the key set can't be read, its last known keys keep working
 * for a day: from memory, and after a restart from the database. So a thief of a key can't extend its life for longer by making
 * the key set unreachable.
 */
import type { JWK } from 'jose';
import { z } from 'zod';
import type { Client } from '#db/base/client.ts';
import { rememberClientKeys } from '#db/links/clients.ts';
import type { ClientRow } from '#db/links/clients.ts';
import { retiredKids } from '#db/exchange/origin-keys.ts';

export type ClientKeys = {
  /** Returns the keys. @param again reads the set again for an unknown key; null if it is too early to do so */
  of(client: ClientRow, again?: boolean): Promise<readonly JWK[] | null>;
};

export type ClientKeysOptions = {
  readonly db: Client;
  readonly fetchJson: (url: string) => Promise<unknown>;
  /** Milliseconds. */
  readonly now?: () => number;
  readonly maxAgeMs?: number;
  readonly cooldownMs?: number;
  /** How long keys work if their key set can't be read. */
  readonly longestUnreadMs?: number;
};

/** Thrown if there is no key to check with, through no fault of the client. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

/** Picks the parts of a public key, and ignores everything else in a key set. */
const publicJwk = z.object({
  kty: z.enum(['OKP', 'EC', 'RSA']),
  crv: z.string().max(32).optional(),
  x: z.string().max(1_024).optional(),
  y: z.string().max(1_024).optional(),
  n: z.string().max(2_048).optional(),
  e: z.string().max(64).optional(),
  kid: z.string().max(255).optional(),
  alg: z.string().max(32).optional(),
  use: z.literal('sig').optional(),
});
const keySet = z.object({ keys: z.array(z.unknown()).max(100) });

type Known = {
  readonly uri: string;
  keys: readonly JWK[] | null;
  /** When this process read them, and when any process did. */
  readAt: number;
  sureAt: number;
  triedAt: number;
};

const dayMs = 24 * 60 * 60_000;

export function createClientKeys(options: ClientKeysOptions): ClientKeys {
  const { db, fetchJson, maxAgeMs = 600_000, cooldownMs = 30_000, longestUnreadMs = dayMs } = options;
  const now = options.now ?? (() => performance.now());
  const known = new Map<string, Known>();
  const reading = new Map<string, Promise<void>>();

  async function read(client: ClientRow, entry: Known): Promise<void> {
    entry.triedAt = now();
    try {
      const found = publicKeysOf(await fetchJson(entry.uri));
      entry.keys = found;
      entry.readAt = now();
      entry.sureAt = entry.readAt;
      await rememberClientKeys(db, client.id, { keys: found as Kept });
    } catch {
      // Its last keys keep working for a while; without any, the caller gets an error.
    }
  }

  return {
    async of(client, again = false) {
      if (client.jwksUri === null) return again ? null : publicKeysOf(client.jwks ?? { keys: [] });
      let entry = known.get(client.id);
      if (entry?.uri !== client.jwksUri) {
        entry = { uri: client.jwksUri, keys: null, readAt: -Infinity, sureAt: -Infinity, triedAt: -Infinity };
        known.set(client.id, entry);
      }
      // Another process, or this one before its restart, may have read it later.
      const storedAt = now() - Math.max(0, Date.now() - Date.parse(client.jwksReadAt));
      if (client.jwks !== null && storedAt > entry.sureAt) {
        entry.keys = publicKeysOf(client.jwks);
        entry.sureAt = storedAt;
      }
      const isOld = now() - entry.readAt >= maxAgeMs;
      const mayRead = now() - entry.triedAt >= cooldownMs;
      const under = reading.get(client.id);
      if (under !== undefined) await under;
      else if ((isOld || again) && mayRead) {
        const one = read(client, entry).finally(() => reading.delete(client.id));
        reading.set(client.id, one);
        await one;
      } else if (again) return null;
      if (entry.keys === null || now() - entry.sureAt >= longestUnreadMs)
        throw new KeysUnavailable(`the keys of ${client.id} can't be read`);
      const retired = await retiredKids(db, client.jwksUri.replace(/\/jwks\.json$/, ''));
      return entry.keys.filter(({ kid }) => kid === undefined || !retired.has(kid));
    },
  };
}

type Kept = NonNullable<ClientRow['jwks']>['keys'];

/** Parses a key set, and ignores invalid keys in it. @throws ZodError if it is not a key set at all */
function publicKeysOf(found: unknown): readonly JWK[] {
  return keySet.parse(found).keys.flatMap((one) => {
    const key = publicJwk.safeParse(one);
    return key.success ? [plain(key.data)] : [];
  });
}

/** `EdDSA` and `Ed25519` are two names of one algorithm, so a key with one name is used with either. */
function plain({ alg, ...key }: z.output<typeof publicJwk>): JWK {
  const named = alg === undefined || alg === 'EdDSA' || alg === 'Ed25519' ? key : { ...key, alg };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) as JWK;
}
