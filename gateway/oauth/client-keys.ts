/**
 * Public keys of clients that prove themselves with a signature. A peer's are read from its key set, kept for ten
 * minutes, and read again for a key that is not among them, at most every thirty seconds. While the key set can't be
 * read, the keys it had last go on working for a day: from memory, and after a restart from the database. Whoever holds a
 * stolen key can't keep it alive for longer by keeping the key set out of reach.
 */
import type { JWK } from 'jose';
import { z } from 'zod';
import type { Client } from '#db/base/client.ts';
import { rememberClientKeys } from '#db/links/clients.ts';
import type { ClientRow } from '#db/links/clients.ts';
import { retiredKids } from '#db/exchange/origin-keys.ts';

export type ClientKeys = {
  /** @param again with a key that was not among the ones given before; null where it is too early to look again */
  of(client: ClientRow, again?: boolean): Promise<readonly JWK[] | null>;
};

export type ClientKeysOptions = {
  readonly db: Client;
  readonly fetchJson: (url: string) => Promise<unknown>;
  /** Milliseconds. */
  readonly now?: () => number;
  readonly maxAgeMs?: number;
  readonly cooldownMs?: number;
  /** How long keys work whose key set can't be read. */
  readonly longestUnreadMs?: number;
};

/** Thrown where there is no key at all to check with, for no fault of the client's. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

/** Only what a public key consists of; anything else that a key set holds is not looked at. */
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
  /** When this process read them, and when any did. */
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
      // The keys it had last go on working for a while; without any, the caller is told.
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
      // Another process, or this one before it was started, may have read it later.
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

/** @throws ZodError where it is no key set at all; single keys that are none are passed over */
function publicKeysOf(found: unknown): readonly JWK[] {
  return keySet.parse(found).keys.flatMap((one) => {
    const key = publicJwk.safeParse(one);
    return key.success ? [plain(key.data)] : [];
  });
}

/** `EdDSA` and `Ed25519` are two names of one algorithm: a key that says one is used with either. */
function plain({ alg, ...key }: z.output<typeof publicJwk>): JWK {
  const named = alg === undefined || alg === 'EdDSA' || alg === 'Ed25519' ? key : { ...key, alg };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) as JWK;
}
