/**
 * Public keys of clients that prove themselves with a signature. A peer's are read from its key set, kept for ten
 * minutes, and read again for a key that is not among them, at most every thirty seconds. While the key set can't be
 * read, the keys it had last go on working: from memory, and after a restart from the database.
 */
import type { JWK } from 'jose';
import { z } from 'zod';
import type { Client } from '#db/base/client.ts';
import { rememberClientKeys } from '#db/links/clients.ts';
import type { ClientRow } from '#db/links/clients.ts';

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

type Known = { readonly uri: string; keys: readonly JWK[] | null; readAt: number; triedAt: number };

export function createClientKeys(options: ClientKeysOptions): ClientKeys {
  const { db, fetchJson, maxAgeMs = 600_000, cooldownMs = 30_000 } = options;
  const now = options.now ?? (() => performance.now());
  const known = new Map<string, Known>();
  const reading = new Map<string, Promise<void>>();

  async function read(client: ClientRow, entry: Known): Promise<void> {
    entry.triedAt = now();
    try {
      const found = publicKeysOf(await fetchJson(entry.uri));
      const isNew = JSON.stringify(found) !== JSON.stringify(entry.keys);
      entry.keys = found;
      entry.readAt = now();
      if (isNew) await rememberClientKeys(db, client.id, { keys: found as Kept });
    } catch {
      // The keys it had last go on working; without any, the caller is told.
    }
  }

  return {
    async of(client, again = false) {
      if (client.jwksUri === null) return again ? null : publicKeysOf(client.jwks ?? { keys: [] });
      let entry = known.get(client.id);
      if (entry?.uri !== client.jwksUri) {
        entry = { uri: client.jwksUri, keys: lastKeys(client), readAt: -Infinity, triedAt: -Infinity };
        known.set(client.id, entry);
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
      if (entry.keys === null) throw new KeysUnavailable(`the keys of ${client.id} can't be read`);
      return entry.keys;
    },
  };
}

type Kept = NonNullable<ClientRow['jwks']>['keys'];

function lastKeys(client: ClientRow): readonly JWK[] | null {
  return client.jwks === null ? null : publicKeysOf(client.jwks);
}

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
