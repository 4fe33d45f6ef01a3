/** Which instances have a webhook: read from the database, kept for a moment, so that a hook costs one statement. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { HookTarget } from '#db/log/hint.ts';

export type Targets = {
  /** The instance, if it exists and this is its secret; the same answer, and work, for both mistakes. */
  match(instance: string, secret: string): Promise<HookTarget | null>;
};

type Known = { readonly at: number; readonly byId: ReadonlyMap<string, HookTarget> };

const keepMs = 2_000;
/** A miss looks again sooner: the instance or its secret may be new. Bounded, since anybody can cause misses. */
const missMs = 250;
const nobody = createHash('sha256').update('').digest();

/** @param load rejects when the database is down; what was known last goes on being used for known instances */
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
