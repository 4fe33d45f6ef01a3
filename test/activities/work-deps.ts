/** What activities are given, with a real database and store, and nothing that a test does not name. */
import type { BlobStore } from '#blobs/store.ts';
import { makeLog } from '#config/log.ts';
import type { Client } from '#db/base/client.ts';
import { createPromises } from '#db/carry/promise-writes.ts';
import { createNothingNew } from '#db/log/nothing-new.ts';
import { createTogether } from '#db/log/together.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { createBell, type Bell, type Bells } from '#activities/bells.ts';
import { standardLimits, type WorkDeps } from '#activities/deps.ts';
import { createTexts } from '#text-worker/texts.ts';

/** Bells of one process, which no database rings. */
export function quietBells(): Bells {
  const bells = new Map<string, Bell>();
  return {
    of: (instance) => {
      const bell = bells.get(instance) ?? createBell();
      bells.set(instance, bell);
      return bell;
    },
    attend: () => () => {},
    ringHere: () => false,
    hints: createBell(),
    close: () => Promise.resolve(),
  };
}

type Given = Pick<WorkDeps, 'desks' | 'peers' | 'signer'> &
  Partial<WorkDeps> & { readonly db: Client; readonly blobs: BlobStore };

/** An idle drain leaves at once, and no link is slowed down. */
export function workDeps(given: Given): WorkDeps {
  const { db } = given;
  return {
    publicUrl: undefined,
    together: createTogether(db),
    isWhole: () => Promise.resolve(true),
    promiseWrite: createPromises(db),
    nothingNew: createNothingNew(db),
    cache: createVersionCache(),
    freeBytes: () => Promise.resolve(Number.MAX_SAFE_INTEGER),
    texts: createTexts(),
    bells: quietBells(),
    wake: () => {},
    tell: () => Promise.resolve(),
    report: () => {},
    log: makeLog({ level: 'silent', name: 'test' }),
    limits: { ...standardLimits, lingerMs: 0, linkPerMinute: 1_000_000 },
    slotsFree: () => 1,
    ...given,
  };
}
