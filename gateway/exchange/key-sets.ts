/**
 * The published key sets of origins: cached for a while, read again for an unknown key, but only at a limited rate, so that a
 * sender of unknown names can't keep the gateway busy.
 */
import { z } from 'zod';

export type PublishedKey = { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string; readonly kid: string };

export type KeySets = {
  /** Returns the set, read within `freshMs`; null if it can't be read now. @param kid a set without this key is read again */
  of(origin: string, kid: string): Promise<readonly PublishedKey[] | null>;
};

export type KeySetsDeps = {
  fetchJson(url: string): Promise<unknown>;
  /** Milliseconds. */
  readonly now?: () => number;
};

/** How long a key that has left its origin's key set may still sign. Milliseconds. */
export const freshMs = 10 * 60_000;
/** How soon a set is read again that lacks a key or could not be read; any linked caller can cause misses. */
const cooldownMs = 10_000;
/** How many sets are read per minute, of all origins together. */
const readsPerMinute = 120;
const mostKept = 1_000;

export const publicKey = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().regex(/^[\w-]{43}$/),
  kid: z.string(),
});
const keySet = z.object({ keys: z.array(z.unknown()).max(100) });

type Kept = { readonly at: number; readonly keys: Promise<readonly PublishedKey[] | null> };

export function createKeySets({ fetchJson, now = () => performance.now() }: KeySetsDeps): KeySets {
  const kept = new Map<string, Kept>();
  let minute = { at: now(), reads: 0 };
  const mayRead = (): boolean => {
    if (now() - minute.at >= 60_000) minute = { at: now(), reads: 0 };
    minute.reads += 1;
    return minute.reads <= readsPerMinute;
  };
  const read = (origin: string): Promise<readonly PublishedKey[] | null> =>
    fetchJson(`${origin}/jwks.json`)
      .then((found) =>
        keySet.parse(found).keys.flatMap((one) => {
          const key = publicKey.safeParse(one);
          return key.success ? [key.data] : [];
        }),
      )
      .catch(() => null);
  return {
    async of(origin, kid) {
      const last = kept.get(origin);
      if (last !== undefined) {
        const [age, keys] = [now() - last.at, await last.keys];
        if (age < cooldownMs) return keys;
        if (age < freshMs && keys?.some((key) => key.kid === kid) === true) return keys;
      }
      if (!mayRead()) return null;
      if (kept.size >= mostKept) kept.delete(kept.keys().next().value ?? '');
      const made = { at: now(), keys: read(origin) };
      kept.delete(origin);
      kept.set(origin, made);
      return made.keys;
    },
  };
}
