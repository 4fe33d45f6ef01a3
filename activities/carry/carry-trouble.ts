/** Handles a failed attempt: who is at fault, and when to try again. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { reason } from '#core/words/reasons.ts';
import { downCapMs, heldAfterMs, nextTry } from '#core/words/retry.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import { countTry, deferLane, noteWhy } from '#db/carry/lanes.ts';
import { noteAttempt } from '#db/carry/outcome.ts';
import { hold } from './before-head.ts';
import { ignored } from './ignored.ts';
import { report } from '#activities/report.ts';
import type { Turn } from '#activities/turn.ts';
import { whyNoAnswer } from '#activities/desk/answers.ts';
import { FileTrouble, InstanceTrouble, troubleOf } from '#activities/desk/instance-trouble.ts';

export type Troubled = {
  /** Display name of the desk or peer that could not take it. */
  readonly name: string;
  /** Succeeds if it is up and accepts our credentials. */
  ping(signal: AbortSignal): Promise<void>;
  /** Called when a conditional write has lost. */
  conflict?(): Promise<void>;
};

/** Defers the lane, or holds its head. Throws InstanceTrouble if the whole instance is affected. */
export async function inTrouble(
  turn: Turn,
  { name, ping, conflict }: Troubled,
  error: unknown,
): Promise<'rests' | 'lost'> {
  const { deps, context, lane, epoch, startedMs } = turn;
  const defer = async (delayMs: number): Promise<'rests' | 'lost'> => {
    if (await deferLane(deps.db, lane, epoch, delayMs)) return 'rests';
    ignored(turn, 'retry');
    return 'lost';
  };
  const { delivery } = context;
  if (error instanceof FileTrouble) {
    // The delivery is waiting for a file: that counts neither against its own time nor against its receiver.
    const away = error.reason ?? reason('trouble', { desk: error.desk, detail: error.message });
    await noteWhy(deps.db, delivery.id, lane, epoch, away);
    await noteAttempt(deps.db, delivery.id, 'retry', away, performance.now() - startedMs, null);
    report(turn, 'retry', away);
    return defer(fileDelay(error));
  }
  const failed = error instanceof HelpdeskError ? error : null;
  const why = reason(failed?.class === 'auth' ? 'auth' : 'trouble', {
    desk: name,
    detail: failed?.message ?? (error instanceof Error ? error.name : 'Something unexpected happened.'),
  });
  if (failed === null) deps.log.error({ err: error, delivery: delivery.id }, 'a delivery failed unexpectedly');
  await noteAttempt(deps.db, delivery.id, 'retry', why, performance.now() - startedMs, null);
  report(turn, 'retry', why);
  const instances = failed === null ? null : troubleOf(failed);
  if (instances !== null) {
    await noteWhy(deps.db, delivery.id, lane, epoch, why);
    throw instances;
  }
  if (failed?.class === 'conflict') {
    await countTry(deps.db, delivery.id, lane, epoch, why);
    await conflict?.();
  } else {
    // If the desk does not answer at all, this is not the delivery's fault; its time counts only while the desk
    // answers.
    const silent = await whyNoAnswer(ping);
    if (silent !== null) {
      await noteWhy(deps.db, delivery.id, lane, epoch, why);
      const its = silent.error instanceof HelpdeskError ? troubleOf(silent.error) : null;
      throw its ?? new InstanceTrouble('down', failed?.message ?? String(silent.error));
    }
    await countTry(deps.db, delivery.id, lane, epoch, why);
    if (isTroubledTooLong(context)) {
      return hold(turn, why);
    }
  }
  const delayMs = nextTry({
    attempt: delivery.attempts + 1,
    trouble: failed?.class === 'conflict' ? 'conflict' : 'retry',
    random: Math.random(),
  });
  return defer(delayMs);
}

function fileDelay({ retryAfterMs }: FileTrouble): number {
  const asked = { attempt: 10, trouble: 'retry', random: Math.random(), capMs: downCapMs } as const;
  return nextTry({ ...asked, retryAfterMs });
}

function isTroubledTooLong({ delivery, now }: DeliveryContext): boolean {
  return delivery.firstTriedAt !== null && Date.parse(now) - Date.parse(delivery.firstTriedAt) > heldAfterMs;
}
