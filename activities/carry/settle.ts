/**
 * After the last step: reads the ticket back, settles the writes, logs what people did meanwhile, and ends the delivery,
 * all in one transaction. A success status is not success; what the read-back shows is.
 */
import { fieldsNotTaken, isSeen, statusAlone, statusUndone } from '#core/log/read-back.ts';
import { must } from '#core/words/must.ts';
import { reason } from '#core/words/reasons.ts';
import type { Reason } from '#core/words/vocabulary.ts';
import { scheduleHint } from '#db/log/claim-hints.ts';
import type { Tx } from '#db/base/client.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import { forgetUncarried } from '#db/links/link-compare.ts';
import type { LogReadingInput, LogReadingResult } from '#db/log/log-reading.ts';
import { moveMirrorsOn } from '#db/log/mirror-life.ts';
import { bindTicket, endDelivery, type Ended, type Ending } from '#db/carry/outcome.ts';
import { inTransaction } from '#db/base/transaction.ts';
import { markMade, seenOf, type Plan } from '#db/carry/writes.ts';
import type { Written } from '#core/words/desk.ts';
import type { Applied, ApplyRun, Pending } from './apply-run.ts';
import { endAs } from './end.ts';
import { make } from './make-step.ts';
import { observe, readBack, type ReadBack } from '#activities/watch/observe.ts';
import { mayBeWritten } from './write-marker.ts';

/** A desk that confirms a write and does not show it is looked at again after this long. Milliseconds. */
const lookAgainMs = 300;

/** Reads the ticket back and ends the delivery in the same transaction. `corrections`: status steps made so far. */
export async function settle(
  run: ApplyRun,
  plan: Plan,
  ticketId: string,
  last: Pending | null,
  corrections: number,
): Promise<Applied> {
  const { deps, desk, context } = run;
  const created = context.delivery.escalation && context.delivery.kind === 'action';
  for (let look = 0; ; look += 1) {
    const since = created ? null : context.to.since;
    const back = await readBack(
      deps,
      desk,
      ticketId,
      since,
      created,
      AbortSignal.timeout(desk.helpdesk.traits.writeTimeoutMs),
    );
    if (back.kind !== 'ticket') {
      const ended = await endUnread(run, plan, last);
      // Merged or deleted meanwhile: the mirror learns it before what we wrote is met elsewhere.
      await observe(deps, desk.instance, ticketId, AbortSignal.timeout(desk.helpdesk.traits.writeTimeoutMs)).catch(() =>
        scheduleHint(deps.db, desk.instance, ticketId, 0),
      );
      return ended;
    }
    const { snapshot } = back;
    const steps = plan.steps;
    const result = await withReading(run, back, last, async (tx, logged) => {
      const seen =
        last === null ||
        isSeen(context.delivery.id, last, steps[last.index], logged, snapshot) ||
        (await seenOf(tx, desk.instance, ticketId, context.delivery.id, last.index)).length > 0;
      if (!seen && context.delivery.releasedAt === null) {
        return { kind: look === 0 ? 'look-again' : 'unseen', wake: logged.wake } as const;
      }
      const undone = statusUndone(plan.command, snapshot, logged);
      if (undone !== null && context.delivery.releasedAt === null) {
        return { kind: 'undone', status: undone, wake: logged.wake } as const;
      }
      const notTaken = [
        ...fieldsNotTaken(plan.command, snapshot, logged).map((name) => reason('not-taken', { desk: desk.name, name })),
        ...(undone === null ? [] : [reason('not-taken', { desk: desk.name, name: undone })]),
      ];
      const { wake, isLast } = await endInside(run, tx, plan, last, notTaken, logged);
      return { kind: 'ended', isLast, wake: [...logged.wake, ...wake] } as const;
    });
    deps.wake(result.wake);
    if (result.kind === 'ended') return { kind: 'ended', isLast: await result.isLast };
    if (result.kind === 'look-again') {
      await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
      continue;
    }
    // It was confirmed and is not there: nobody can tell what became of it.
    if (result.kind === 'unseen') return { kind: 'hold', reason: reason('not-taken', { desk: desk.name }) };
    // An automation undid our status: it is set once more, then somebody has to look.
    if (corrections > 0) {
      return { kind: 'hold', reason: reason('not-taken', { desk: desk.name, name: result.status }) };
    }
    const index = steps.length;
    const step = must(desk.helpdesk.steps(statusAlone(plan.command, ticketId))[0], 'a step of the connector');
    const done = await make(run, plan, { index, step, row: undefined, last: true, snapshot });
    if (done.kind === 'refused') {
      // The desk says no to the status alone; what it took of the rest stays.
      const { status: _refused, ...command } = plan.command;
      return settle(run, { ...plan, command, drops: [...plan.drops, done.reason] }, ticketId, last, 1);
    }
    if (done.kind !== 'made') return done;
    return settle(
      run,
      { ...plan, steps: [...steps, step] },
      ticketId,
      { index, made: done.made, opened: last?.opened ?? null },
      1,
    );
  }
}

/** In one transaction: the reading is logged, then what follows from it is done. */
function withReading<Result>(
  { deps, context }: ApplyRun,
  back: Extract<ReadBack, { kind: 'ticket' }>,
  last: Pending | null,
  work: (tx: Tx, logged: LogReadingResult) => Promise<Result>,
): Promise<Result> {
  if (last?.opened == null) {
    return deps.together(back.read, async (tx, locked) =>
      work(tx, await back.log(tx, ownWrite(tx, context, last), locked)),
    );
  }
  return inTransaction(deps.db, async (tx) => work(tx, await back.log(tx, ownWrite(tx, context, last))));
}

/** What the read-back is compared with. A ticket that was opened is bound first, so that its mirror is found. */
function ownWrite(tx: Tx, context: DeliveryContext, last: Pending | null): Pick<LogReadingInput, 'first' | 'made'> {
  if (last === null) return {};
  const { opened, index, made } = last;
  const { id } = context.delivery;
  if (opened === null) return { made: { delivery: id, step: index, made } };
  return {
    first: async () => {
      await bindTicket(tx, context, openedTicket(opened));
      if (mayBeWritten(context)) await forgetUncarried(tx, context.delivery.to, openedTicket(opened).ticketId);
      await markMade(tx, id, index, made);
    },
  };
}

/** How the delivery ends where it is in the transaction of its own reading. */
async function endInside(
  run: ApplyRun,
  tx: Tx,
  plan: Plan,
  last: Pending | null,
  notTaken: readonly Reason[],
  logged: LogReadingResult,
): Promise<Ended> {
  const { deps, context, startedMs } = run;
  const ended = await endDelivery(tx, deps.cache, context, {
    ...endingOf({ ...plan, drops: [...plan.drops, ...notTaken] }, last),
    outcome: 'applied',
    reason: null,
    durationMs: performance.now() - startedMs,
    alone: logged.mirrors.length <= 1,
    locked: logged.mirrors.includes(context.mirror.id),
  });
  if (plan.command.status !== undefined) await moveMirrorsOn(tx, [context.mirror.id]);
  return ended;
}

/** How it ends where its ticket can't be read back. */
function endUnread(run: ApplyRun, plan: Plan, last: Pending | null): Promise<Applied> {
  return endAs(run, 'applied', null, {
    ...endingOf(plan, last),
    before: async (tx) => {
      if (last !== null) await markMade(tx, run.context.delivery.id, last.index, last.made);
    },
  });
}

function endingOf(
  { command, drops, versions, constant }: Plan,
  last: Pending | null,
): Pick<Ending, 'drops' | 'versions' | 'command' | 'constant' | 'opened'> {
  return {
    drops,
    versions,
    command: last === null ? command : { ...command, ticketId: last.made.ticketId },
    ...(constant === undefined ? {} : { constant }),
    ...(last?.opened == null ? {} : { opened: openedTicket(last.opened) }),
  };
}

function openedTicket(made: Written): { ticketId: string; number: string; url: string } {
  return { ticketId: made.ticketId, number: made.number ?? made.ticketId, url: made.url ?? '' };
}
