/** Tests a helpdesk, probe by probe, against the assumptions of its connector and its links. */
import { isDeepStrictEqual } from 'node:util';
import type { Checked, Facts, Finding, Mapped, Outcome, Probe, Verdict } from '#connectors/contract/check.ts';
import { ownFilled } from '#core/rules/own-filled.ts';
import type { SideSettings } from '#core/rules/settings.ts';
import { isMirrored, mirroredTickets } from '#db/operate/mirrored-tickets.ts';
import { loadFederation, type StoredFederation } from '#db/settings/settings.ts';
import { credentialsContext } from '#operate/apply/types.ts';
import { assertDriven } from '#operate/known.ts';
import type { CheckOperator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere } from '#operate/rights.ts';
import { keepLearnt } from './learned.ts';
import { assertNoTrial, leftTrials, trialEnded, trialOn, type TrialOf } from './trials.ts';

/** The most items of each kind to ask for, so that the whole check takes less than a minute. */
const mostAccounts = 5;
const mostTypes = 5;
const mostTickets = 2;

/** Milliseconds. */
export type CheckLimits = {
  /** Limit of one probe. */
  readonly probeMs: number;
  /** Limit of all probes that only read, and again of a trial. Probes without time are `unknown`. */
  readonly wholeMs: number;
  /** Limit of deleting what a trial wrote. */
  readonly cleanUpMs: number;
};

const usualLimits: CheckLimits = { probeMs: 20_000, wholeMs: 50_000, cleanUpMs: 30_000 };

/** The facts found, without names of people, accounts or fields, and without any text that people wrote. */
export type Report = {
  readonly type: string;
  readonly facts: Facts;
  readonly findings: readonly { readonly name: string; readonly verdict: Verdict; readonly where?: string }[];
};

export type Check = {
  readonly type: string;
  /** The findings as they come, in the order of the connector's probes. Ending the iteration ends the check. */
  readonly findings: AsyncGenerator<Finding>;
};

/**
 * Starts a check, which asks nothing until the caller reads the first finding.
 * @param signal ends it early; what a trial wrote is deleted anyway
 * @param write a ticket on which a trial writes, then deletes what it wrote; null changes nothing
 * @throws Refused unknown-instance, not-local, no-check, ticket-mirrored, trial-under-way; HelpdeskError for wrong credentials or options
 */
export async function checkInstance(
  operator: CheckOperator,
  instance: string,
  signal: AbortSignal,
  write: string | null = null,
  limits: CheckLimits = usualLimits,
): Promise<Check> {
  allow(operator, 'check', everywhere);
  const { type, trialOf } = await targetOf(operator, instance);
  const wholeMs = limits.wholeMs * (write === null ? 1 : 2);
  const mayTakeMs = wholeMs + limits.probeMs + limits.cleanUpMs + spareMs;
  if (write !== null) await assertNoTrial(operator, instance, write);
  const trial =
    write === null ? null : await trialOn(operator, instance, await unmirrored(operator, instance, write), mayTakeMs);
  const checked = await trialOf(trial);
  if (checked === null)
    throw new Refused(
      'no-check',
      'state',
      `the connector for helpdesks of the type ${type} has no probes; ferry status says whether it answers`,
    );
  const ended = async (outcome: Outcome | null): Promise<void> =>
    trial === null
      ? undefined
      : trialEnded(operator, instance, { ticket: trial.ticketId, marker: trial.marker }, outcome);
  const left = leftTrials(operator, instance, trialOf, (one) => cleaned(one, limits), false);
  const findings = findingsOf(checked, signal, { ...limits, wholeMs }, ended);
  return { type, findings: keeping(operator, instance, both(left, findings)) };
}

/**
 * Deletes what killed trials left, and what a possibly running trial wrote. Makes no other request.
 * @throws Refused unknown-instance, not-local; HelpdeskError for wrong credentials or options
 */
export async function cleanTrials(
  operator: CheckOperator,
  instance: string,
  limits: CheckLimits = usualLimits,
): Promise<Check> {
  allow(operator, 'check', everywhere);
  const { type, trialOf } = await targetOf(operator, instance);
  return { type, findings: leftTrials(operator, instance, trialOf, (one) => cleaned(one, limits), true) };
}

/** If a trial is overdue by this much, it was killed. Milliseconds. */
const spareMs = 60_000;

async function targetOf(
  operator: CheckOperator,
  instance: string,
): Promise<{ readonly type: string; readonly trialOf: TrialOf }> {
  const { db, open } = operator;
  await assertDriven(db, instance);
  const federation = await loadFederation(db);
  const stored = federation.instances.get(instance);
  if (stored === undefined) throw new Error(`instance ${instance} went away`);
  const opened = await open(stored.credentials, credentialsContext(instance));
  const target = { ...stored, credentials: JSON.parse(opened) as Record<string, string> };
  const mapped = mappedOf(federation, instance, await mirroredTickets(db, instance, mostTickets));
  return { type: stored.type, trialOf: (trial) => operator.checkOf(target, mapped, trial) };
}

async function* both(first: AsyncGenerator<Finding>, second: AsyncGenerator<Finding>): AsyncGenerator<Finding> {
  yield* first;
  yield* second;
}

/** Makes sure that what a trial writes is not carried. @throws Refused ticket-mirrored */
async function unmirrored({ db }: CheckOperator, instance: string, ticket: string): Promise<string> {
  if (!(await isMirrored(db, instance, ticket))) return ticket;
  throw new Refused(
    'ticket-mirrored',
    'state',
    `ticket ${ticket} of ${instance} is mirrored, so the other side would see the trial; name a ticket that is only for trials`,
  );
}

/** Stores the facts of a complete check; the last finding says which are new. An incomplete check stores nothing. */
async function* keeping(
  operator: CheckOperator,
  instance: string,
  coming: AsyncGenerator<Finding>,
): AsyncGenerator<Finding> {
  const all: Finding[] = [];
  for await (const finding of coming) {
    all.push(finding);
    yield finding;
  }
  yield await keepLearnt(operator, instance, all);
}

async function* findingsOf(
  checked: Checked,
  signal: AbortSignal,
  limits: CheckLimits,
  ended: (outcome: Outcome | null) => Promise<void>,
): AsyncGenerator<Finding> {
  const { probes, verdictOf } = checked;
  const { probeMs, wholeMs } = limits;
  const end = performance.now() + wholeMs;
  let isClean = false;
  const clean = async (): Promise<Finding | null> => {
    isClean = true;
    const outcome = await cleaned(checked, limits);
    await ended(outcome);
    return outcome === null ? null : { name: 'clean up', ...outcome };
  };
  try {
    for (const probe of probes) {
      if (signal.aborted) break;
      yield await runProbe(probe, verdictOf, signal, Math.min(probeMs, end - performance.now()));
    }
    const cleaned = await clean();
    if (cleaned !== null) yield cleaned;
  } finally {
    // The caller may have ended the iteration.
    if (!isClean) await clean();
  }
}

async function cleaned({ cleanUp, verdictOf }: Checked, { cleanUpMs }: CheckLimits): Promise<Outcome | null> {
  const deadline = AbortSignal.timeout(cleanUpMs);
  return inTime(cleanUp, deadline).catch((error: unknown) => meaningOf(error, verdictOf, deadline));
}

async function runProbe(
  { name, about, run }: Probe,
  verdictOf: Checked['verdictOf'],
  signal: AbortSignal,
  leftMs: number,
): Promise<Finding> {
  const named = { name, ...(about === undefined ? {} : { about }) };
  if (leftMs <= 0) return { ...named, verdict: 'unknown', saw: 'not tested: the time for the check is over' };
  const either = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(leftMs))]);
  try {
    return { ...named, ...(await inTime(run, either)) };
  } catch (error) {
    return { ...named, ...meaningOf(error, verdictOf, either) };
  }
}

/** Judges a failed probe; a timeout or an interruption shows nothing. */
function meaningOf(error: unknown, verdictOf: Checked['verdictOf'], { aborted }: AbortSignal): Outcome {
  return aborted ? { verdict: 'unknown', saw: 'it took too long, or was interrupted' } : verdictOf(error);
}

/** Ends the wait even if the probe ignores the signal. */
function inTime<T>(ask: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    ask(signal)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Returns what the links that have not ended rely on at this instance. */
export function mappedOf(
  { sides, ended }: Pick<StoredFederation, 'sides' | 'ended'>,
  instance: string,
  tickets: readonly string[],
): Mapped {
  const own = [...sides.values()].filter((side) => side.instance === instance && !ended.has(side.link));
  const types = own.flatMap(({ settings }) => typesOf(settings));
  return {
    accounts: [...new Set(own.map(({ settings }) => settings.account.name))].slice(0, mostAccounts),
    types: types
      .filter((type, at) => types.findIndex((other) => isDeepStrictEqual(other, type)) === at)
      .slice(0, mostTypes),
    tickets,
  };
}

function typesOf(settings: SideSettings): Mapped['types'] {
  const { inbound } = settings;
  const fields = inbound.fields.map(({ to }) => to).toSorted();
  const { ticketTypeDefault: fallback } = inbound;
  const names = new Set([...inbound.ticketTypes.map(({ to }) => to), ...(fallback === undefined ? [] : [fallback])]);
  return [...names].map((name) => ({ name, fields, own: ownFilled(settings) }));
}

export function reportOf(type: string, findings: readonly Finding[]): Report {
  return {
    type,
    facts: Object.assign({}, ...findings.map(({ facts }) => facts)) as Facts,
    findings: findings.map(({ name, verdict, where }) => ({
      name,
      verdict,
      ...(where === undefined ? {} : { where }),
    })),
  };
}

/** Says whether somebody has to act. */
export function isBad({ verdict }: Pick<Finding, 'verdict'>): boolean {
  return verdict === 'differs' || verdict === 'not-allowed';
}
