/** Trials of `ferry check`: each records its writes before it makes them, and the next check deletes what a killed trial left. */
import type { Finding, Outcome, TrialRecord } from '#connectors/contract/check.ts';
import { endTrial, forgetTrial, keepTrial, keptTrials, trialMarker, type KeptTrial } from '#db/operate/trials.ts';
import { change, changed } from '#operate/change.ts';
import type { CheckOperator, Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';

/** The input of an instance's probes, without the trial. */
export type TrialOf = (trial: Parameters<CheckOperator['checkOf']>[2]) => ReturnType<CheckOperator['checkOf']>;

type Named = Pick<KeptTrial, 'ticket' | 'marker'>;

/** Starts a trial. @param mayTakeMs the time after which it counts as killed */
export async function trialOn(
  operator: Pick<Operator, 'db' | 'actor'>,
  instance: string,
  ticketId: string,
  mayTakeMs: number,
): Promise<{
  readonly ticketId: string;
  readonly marker: string;
  keep(record: TrialRecord): Promise<void>;
  left: null;
}> {
  const marker = await trialMarker(operator.db);
  return {
    ticketId,
    marker,
    left: null,
    keep: (record) => kept(operator, instance, { ticket: ticketId, marker, record }, mayTakeMs),
  };
}

async function kept(
  operator: Pick<Operator, 'db' | 'actor'>,
  instance: string,
  trial: Omit<KeptTrial, 'leftMs'>,
  mayTakeMs: number,
): Promise<void> {
  const { ticket: ticketId, marker, record } = trial;
  const { statuses, fields, summary } = record;
  await change(operator, async (tx) => {
    await keepTrial(tx, instance, trial, mayTakeMs);
    const detail = { ticketId, marker, statuses, fields, summary };
    return changed(null, { what: 'check-write', subject: `instances/${instance}`, detail });
  });
}

/** Ends a trial. @param outcome of its clean-up; null if it wrote nothing */
export async function trialEnded(
  operator: Pick<Operator, 'db' | 'actor'>,
  instance: string,
  trial: Named,
  outcome: Outcome | null,
): Promise<void> {
  if (outcome === null) return;
  const isClean = outcome.verdict === 'ok';
  await change(operator, async (tx) => {
    await (isClean ? forgetTrial(tx, instance, trial) : endTrial(tx, instance, trial));
    const detail = { ticketId: trial.ticket, marker: trial.marker, left: isClean ? null : (outcome.saw ?? '') };
    return changed(null, { what: 'check-clean', subject: `instances/${instance}`, detail });
  });
}

/** Reserves the ticket. @throws Refused trial-under-way */
export async function assertNoTrial({ db }: Pick<Operator, 'db'>, instance: string, ticket: string): Promise<void> {
  const one = (await keptTrials(db, instance)).find((trial) => trial.ticket === ticket);
  if (one === undefined || one.leftMs <= 0) return;
  throw new Refused(
    'trial-under-way',
    'state',
    `a trial is running on ticket ${ticket} of ${instance}, or was just killed; try again in ${minutes(one.leftMs)}, or delete what it wrote with ferry check ${instance} --clean`,
  );
}

/**
 * Deletes what killed trials left. Only reports a trial that may be running, unless the caller wants its writes deleted too.
 * @param cleanUp runs a clean-up with its own time limit, and never throws
 */
export async function* leftTrials(
  operator: Pick<Operator, 'db' | 'actor'>,
  instance: string,
  trialOf: TrialOf,
  cleanUp: (checked: NonNullable<Awaited<ReturnType<TrialOf>>>) => Promise<Outcome | null>,
  isForced: boolean,
): AsyncGenerator<Finding> {
  for (const { ticket, marker, record, leftMs } of await keptTrials(operator.db, instance)) {
    const name = 'left by a trial';
    if (leftMs > 0 && !isForced) {
      yield {
        name,
        about: ticket,
        verdict: 'unknown',
        saw: 'a trial is running on this ticket, or was just killed',
        fix: `Check again in ${minutes(leftMs)}, or delete what it wrote with --clean.`,
      };
      continue;
    }
    const checked = await trialOf({ ticketId: ticket, marker, left: record, keep: () => Promise.resolve() });
    if (checked === null) continue;
    const outcome = await cleanUp(checked);
    await trialEnded(operator, instance, { ticket, marker }, outcome);
    if (outcome !== null) yield { name, about: ticket, ...outcome };
  }
}

function minutes(ms: number): string {
  return `${Math.ceil(ms / 60_000)} min`;
}
