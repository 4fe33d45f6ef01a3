/** Waits until Ferry has read both desks in this run; after that, it carries changes within a moment. */
import { ticketRef } from '#core/words/ref.ts';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Client } from '#db/base/client.ts';
import { addHints, notifyHints } from '#db/log/hint.ts';
import { loadStatus } from '#db/operate/status.ts';
import type { InstanceStatus } from '#db/operate/status.ts';

const patienceMs = 45_000;

/** Waits for a limited time and reports a timeout, because a desk that is down must not prevent the start. */
export async function untilRead(
  db: Client,
  instances: readonly string[],
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const begun = Date.now();
  // An empty id means the feed. Without this hint, Ferry would read a desk that it read just before a restart only 15 s later.
  await addHints(
    db,
    instances.map((instance) => ticketRef(instance, '')),
  );
  await notifyHints(db);
  for (;;) {
    signal.throwIfAborted();
    const status = await loadStatus(db);
    const waiting = status.instances.filter((one) => instances.includes(one.id) && !isRead(one, begun));
    if (waiting.length === 0) return;
    if (Date.now() - begun > patienceMs) {
      for (const { name, state, reason } of waiting)
        say(`${name} has not been read yet (${reason ?? state}); Ferry keeps trying, see ferry status`);
      return;
    }
    await sleep(50);
  }
}

function isRead({ state, last_poll }: InstanceStatus, since: number): boolean {
  return state === 'up' && last_poll !== null && Date.parse(last_poll) >= since;
}
