/** Caches the instances that have a webhook, so that a hook costs only one statement. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { HookTarget } from '#db/log/hint.ts';

export type Targets = {
  /** Returns the instance if it exists and the secret is right; both mistakes get the same answer and take the same time. */
  match(instance: string, secret: string): Promise<HookTarget | null>;
};

type Known = { readonly at: number; readonly byId: ReadonlyMap<string, HookTarget> };

const keepMs = 2_000;
/** A miss reads again sooner, because the instance or its secret may be new; at a limited rate, because anybody can cause misses. */
const missMs = 250;
const nobody = createHash('sha256').update('').digest();

/** Makes the cache. @param load rejects if the database is down; then known instances keep their cached state */
export function createTargets(
  load: () => Promise<readonly HookTarget[]>,
  now: () => number = () => performance.now(),
): Targets {
  let known: Known | null = null;
  let loading: Promise<Known> | null = null;

  function refresh(): Promise<Known> {
    loading ??= load()
      .then((list) => {
        known = { at: now(), byId: new Map(list.map((target) => [target.id, target])) };
        return known;
      })
      .finally(() => {
        loading = null;
      });
    return loading;
  }

  async function current(maxAgeMs: number): Promise<Known> {
    if (known !== null && now() - known.at <= maxAgeMs) return known;
    try {
      return await refresh();
    } catch (error) {
      if (known !== null) return known;
      throw error;
    }
  }

  return {
    async match(instance, secret) {
      const hash = createHash('sha256').update(secret).digest();
      const first = check(await current(keepMs), instance, hash);
      return first ?? check(await current(missMs), instance, hash);
    },
  };
}

function check(known: Known, instance: string, hash: Buffer): HookTarget | null {
  const target = known.byId.get(instance);
  const expected = target === undefined ? nobody : Buffer.from(target.hash, 'hex');
  const same = expected.length === hash.length && timingSafeEqual(expected, hash);
  return same && target !== undefined ? target : null;
}
