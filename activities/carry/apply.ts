/**
 * Carries out a decided command in the helpdesk, step by step. It can start at any step: it first judges what a killed
 * worker left behind.
 */
import type { Step } from '#core/words/desk.ts';
import { reason } from '#core/words/reasons.ts';
import type { Command, Reason } from '#core/words/vocabulary.ts';
import { markAbsent, type Plan, type WriteRow } from '#db/carry/writes.ts';
import type { Written } from '#core/words/desk.ts';
import type { Applied, ApplyRun, Pending, StepRun } from './apply-run.ts';
import { endAs } from './end.ts';
import { ignored } from './ignored.ts';
import { carryOut } from './make-step.ts';
import { settle } from './settle.ts';
import { markerOf } from './write-marker.ts';

/** `rows`: the delivery's writes so far; empty on the first attempt, which looks nothing up. */
export async function apply(turn: ApplyRun, plan: Plan, rows: readonly WriteRow[]): Promise<Applied> {
  const run = marked(turn, rows);
  const steps = plan.steps;
  const byStep = new Map(rows.map((row) => [row.step, row]));
  const drops = [...plan.drops];
  let ticketId = plan.command.ticketId;
  let last: Pending | null = null;
  let opened: Written | null = null;
  for (const [index, step] of steps.entries()) {
    const done = await carryOut(run, plan, {
      index,
      step: aimed(step, ticketId),
      row: byStep.get(index),
      last: index === steps.length - 1,
    });
    if (done.kind === 'refused') {
      if (index === 0) return endAs(run, 'refused', done.reason, { versions: plan.versions });
      drops.push(done.reason);
      continue;
    }
    if (done.kind !== 'made') return done;
    ticketId = done.made.ticketId;
    opened = openedBy(step, done.made) ?? opened;
    const { made, around, found = false } = done;
    last = { index, made, opened, found, ...(around === undefined ? {} : { around }) };
  }
  if (ticketId === null) return { kind: 'hold', reason: inDoubt(run) };
  const extras = rows.filter(({ step }) => step >= steps.length);
  const waitMs = await endExtras(run, extras);
  if (waitMs === null) return { kind: 'lost' };
  if (waitMs > 0) return { kind: 'later', delayMs: waitMs };
  // The plan does not have these steps; each is stored with its own row (rows of earlier versions have none).
  const padded = [...steps, ...extras.flatMap(({ plan: own }) => own?.steps ?? steps.slice(-1))];
  return settle(run, { ...plan, steps: padded, drops }, ticketId, last, extras.length);
}

/**
 * Ends steps beyond the plan that a killed worker left. Returns milliseconds until none of them can still be running;
 * null if another drain is working on them.
 */
async function endExtras(run: ApplyRun, extras: readonly WriteRow[]): Promise<number | null> {
  const { deps, desk, context } = run;
  const open = extras.filter(({ state }) => state === 'open');
  const leftMs = open.map((row) => row.leftMs + desk.helpdesk.traits.settleMs);
  const waitMs = Math.max(0, ...leftMs);
  if (waitMs > 0) return waitMs;
  for (const { step, promisedAt } of open) {
    if (await markAbsent(deps.db, { delivery: context.delivery.id, step, promisedAt })) continue;
    ignored(run, 'absent');
    return null;
  }
  return 0;
}

function inDoubt({ desk }: ApplyRun): Reason {
  return reason('in-doubt', { desk: desk.name });
}

export function marked(turn: ApplyRun, rows: readonly WriteRow[]): StepRun {
  return { ...turn, marker: (step) => markerOf(turn.context, step, rows) };
}

/** Fills in the ticket's id in steps that follow the one that opens it. */
export function aimed(step: Step, ticketId: string | null): Step {
  if (step.command.ticketId !== null || ticketId === null || step.command.open !== undefined) return step;
  return { ...step, command: { ...step.command, ticketId } as Command };
}

function openedBy(step: Step, made: Written): Written | null {
  return step.command.open === undefined ? null : made;
}
