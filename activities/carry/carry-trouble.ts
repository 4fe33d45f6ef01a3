/** A try that failed: whose trouble it is, and when the next one is. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { reason } from '#core/words/reasons.ts';
import { heldAfterMs, nextTry } from '#core/words/retry.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import { countTry, deferLane } from '#db/carry/lanes.ts';
import { noteAttempt } from '#db/carry/outcome.ts';
import { hold } from './before-head.ts';
import { report } from '#activities/report.ts';
import type { Turn } from '#activities/turn.ts';
import { InstanceTrouble } from '#activities/desk/instance-trouble.ts';

export type Troubled = {
  /** Display name of who could not take it. */
  readonly name: string;
  /** Answers where it is up and accepts our credentials. */
  ping(signal: AbortSignal): Promise<void>;
  /** A conditional write lost. */
  conflict?(): Promise<void>;
};

const pingTimeoutMs = 5_000;

/** Puts the lane off, or holds its head. Throws InstanceTrouble where it is not this delivery's trouble alone. */
export async function inTrouble(turn: Turn, { name, ping, conflict }: Troubled, error: unknown): Promise<'rests'> {
  const { deps, context, lane, startedMs } = turn;
  const { delivery } = context;
  const failed = error instanceof HelpdeskError ? error : null;
  const why = reason(failed?.class === 'auth' ? 'auth' : 'trouble', {
    desk: name,
    detail: failed?.message ?? (error instanceof Error ? error.name : 'Something unexpected happened.'),
  });
  if (failed === null) deps.log.error({ err: error, delivery: delivery.id }, 'a delivery failed unexpectedly');
  await countTry(deps.db, delivery.id, why);
  await noteAttempt(deps.db, delivery.id, 'retry', why, performance.now() - startedMs, null);
  report(turn, 'retry', why);
  if (failed?.class === 'auth') throw new InstanceTrouble('auth', failed.message);
  if (failed?.class === 'slow-down') throw new InstanceTrouble('slow-down', failed.message, failed.retryAfterMs);
  if (failed?.class === 'conflict') {
    await conflict?.();
  } else {
    // Not one delivery's trouble if the desk does not answer at all.
    await ping(AbortSignal.timeout(pingTimeoutMs)).catch((down: unknown) => {
      if (down instanceof HelpdeskError && down.class === 'auth') throw new InstanceTrouble('auth', down.message);
      if (down instanceof HelpdeskError && down.class === 'slow-down') {
        throw new InstanceTrouble('slow-down', down.message, down.retryAfterMs);
      }
      throw new InstanceTrouble('down', failed?.message ?? String(down));
    });
    if (isTroubledTooLong(context)) {
      await hold(turn, why);
      return 'rests';
    }
  }
  const delayMs = nextTry({
    attempt: delivery.attempts + 1,
    trouble: failed?.class === 'conflict' ? 'conflict' : 'retry',
    random: Math.random(),
  });
  await deferLane(deps.db, lane, delayMs);
  return 'rests';
}

function isTroubledTooLong({ delivery, now }: DeliveryContext): boolean {
  return delivery.firstTriedAt !== null && Date.parse(now) - Date.parse(delivery.firstTriedAt) > heldAfterMs;
}
