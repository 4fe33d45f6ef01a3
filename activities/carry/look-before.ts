/**
 * Looks at the desk before writing actions that were recorded before a link was resumed: Ferry may have written them
 * there and forgotten it.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Step, Written } from '#core/words/desk.ts';
import { refAt } from '#core/words/ref.ts';
import type { Command } from '#core/words/vocabulary.ts';
import { clockSkewMs, isBeforeResumed, type DeliveryContext } from '#db/carry/delivery-context.ts';
import { claimIds, idsOfOthers, isAnothers } from '#db/carry/known-ids.ts';
import type { Plan } from '#db/carry/writes.ts';
import type { StepRun } from './apply-run.ts';
import { markerOnce } from './write-marker.ts';

/**
 * Finds what the desk has of this step; null if it certainly has nothing. `after`: instant before which it can't have
 * been made.
 */
export async function findStep(
  { deps, desk, context }: Pick<StepRun, 'deps' | 'desk' | 'context'>,
  step: Step,
  marker: string,
  after: string,
  signal: AbortSignal,
): Promise<Written | null> {
  const { ticketId } = step.command;
  const others =
    ticketId === null
      ? new Set<string>()
      : await idsOfOthers(deps.db, refAt(context.to, ticketId), context.delivery.id, after);
  return desk.helpdesk.find(step, marker, after, signal, others, desk.clock?.offsetMs() ?? 0);
}

/**
 * Finds a step that may have been written and forgotten; also null if no write from before the quarantine can be meant.
 */
export async function findForgotten(
  run: Pick<StepRun, 'deps' | 'desk' | 'context'>,
  { index, step }: { readonly index: number; readonly step: Step },
  marker: string,
  signal: AbortSignal,
): Promise<Written | null> {
  const { deps, context } = run;
  if (!isBeforeResumed(context)) return null;
  const before = surelyBefore(context);
  const find = (by: string): Promise<Written | null> =>
    findStep(run, step, by, before, signal).catch((error: unknown) => {
      if (!(error instanceof HelpdeskError) || error.code !== 'partly-made') throw error;
      // The note is there. Its other changes may never have been part of it, and somebody may have changed them since.
      return findStep(run, { ...step, command: noteOf(step.command) }, by, before, signal);
    });
  const found = (await find(marker)) ?? (await findOnce(run, { index, step }, find));
  if (found !== null)
    await claimIds(deps.db, refAt(context.to, found.ticketId), found.actionIds, {
      delivery: context.delivery.id,
      step: index,
    });
  return found;
}

/**
 * Finds what an earlier version wrote, whose markers covered only one ticket per desk and action. A ticket it opened
 * counts only if no other mirror has it.
 */
async function findOnce(
  { deps, context }: Pick<StepRun, 'deps' | 'context'>,
  { index, step }: { readonly index: number; readonly step: Step },
  find: (marker: string) => Promise<Written | null>,
): Promise<Written | null> {
  const once = markerOnce(context, index);
  const found = once === null ? null : await find(once);
  if (found === null || step.command.ticketId !== null) return found;
  return (await isAnothers(deps.db, refAt(context.to, found.ticketId), context.mirror.id)) ? null : found;
}

/**
 * Tells whether the desk has every step of the plan. Steps after the one that opens a ticket are aimed at that ticket.
 */
export async function isWritten(
  run: StepRun,
  { steps, command }: Plan,
  aim: (step: Step, ticketId: string | null) => Step,
): Promise<boolean> {
  let { ticketId } = command;
  for (const [index, step] of steps.entries()) {
    const found = await findForgotten(
      run,
      { index, step: aim(step, ticketId) },
      run.marker(index),
      AbortSignal.timeout(run.desk.helpdesk.traits.writeTimeoutMs),
    ).catch((error: unknown) => {
      // It was begun and not finished; deciding it now takes the ticket's present state into account.
      if (error instanceof HelpdeskError && error.class === 'refused') return null;
      throw error;
    });
    if (found === null) return false;
    ({ ticketId } = found);
  }
  return true;
}

function noteOf(command: Command): Command {
  const { status: _s, category: _c, priority: _p, summary: _t, supplierReference: _r, ...note } = command;
  return { ...note, fields: {} };
}

/** Returns an instant before which it can't have been written here, by either clock. */
function surelyBefore({ action }: DeliveryContext): string {
  const at = Math.min(Date.parse(action.at), Date.parse(action.loggedAt));
  return new Date(at - clockSkewMs).toISOString();
}
