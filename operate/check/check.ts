/** Asks a helpdesk, one thing after another, whether it is as its connector and its links take it to be. */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Checked, Facts, Finding, Mapped, Probe, Verdict } from '#connectors/contract/check.ts';
import type { SideSettings } from '#core/rules/settings.ts';
import { isMirrored, mirroredTickets } from '#db/operate/mirrored-tickets.ts';
import { loadFederation, type StoredFederation } from '#db/settings/settings.ts';
import { credentialsContext } from '#operate/apply/types.ts';
import { change, changed } from '#operate/change.ts';
import { assertDriven } from '#operate/known.ts';
import type { CheckOperator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere } from '#operate/rights.ts';

/** Of each kind at most so many are asked for, so that the whole takes less than a minute. */
const mostAccounts = 10;
const mostTypes = 10;
const mostTickets = 3;
/** For one probe, milliseconds. */
const probeMs = 20_000;

/** What is learnt, without names of people, accounts or fields, and without a word that anybody wrote. */
export type Report = {
  readonly type: string;
  readonly facts: Facts;
  readonly findings: readonly { readonly name: string; readonly verdict: Verdict; readonly where?: string }[];
};

export type Check = {
  readonly type: string;
  /** As they come, in the order of the connector's probes. Stop listening to stop asking. */
  readonly findings: AsyncGenerator<Finding>;
};

/**
 * Nothing is asked of the helpdesk before the first finding is.
 * @param write a ticket on which a hidden note with a file is written, and stays; null: nothing is changed
 * @throws Refused unknown-instance, not-local, no-check, ticket-mirrored; HelpdeskError for credentials or options that are wrong
 */
export async function checkInstance(
  operator: CheckOperator,
  instance: string,
  signal: AbortSignal,
  write: string | null = null,
): Promise<Check> {
  allow(operator, 'check', everywhere);
  const { db, open } = operator;
  await assertDriven(db, instance);
  const federation = await loadFederation(db);
  const stored = federation.instances.get(instance);
  if (stored === undefined) throw new Error(`instance ${instance} went away`);
  const opened = await open(stored.credentials, credentialsContext(instance));
  const target = { ...stored, credentials: JSON.parse(opened) as Record<string, string> };
  const tickets = await mirroredTickets(db, instance, mostTickets);
  const trial = write === null ? null : { ticketId: await unmirrored(operator, instance, write), marker: randomUUID() };
  const checked = await operator.checkOf(target, mappedOf(federation, instance, tickets), trial);
  if (checked !== null && trial !== null)
    await change(operator, async () =>
      changed(null, { what: 'check-write', subject: `instances/${instance}`, detail: trial }),
    );
  if (checked !== null) return { type: stored.type, findings: findingsOf(checked, signal) };
  throw new Refused(
    'no-check',
    'state',
    `the connector for helpdesks of the type ${stored.type} has no probes; ferry status says whether it answers`,
  );
}

/** What is written for a trial must not travel. @throws Refused ticket-mirrored */
async function unmirrored({ db }: CheckOperator, instance: string, ticket: string): Promise<string> {
  if (!(await isMirrored(db, instance, ticket))) return ticket;
  throw new Refused(
    'ticket-mirrored',
    'state',
    `ticket ${ticket} of ${instance} is mirrored, so a trial would be seen at the other side; name one that is for trials only`,
  );
}

async function* findingsOf({ probes, verdictOf }: Checked, signal: AbortSignal): AsyncGenerator<Finding> {
  for (const probe of probes) {
    signal.throwIfAborted();
    yield await runProbe(probe, verdictOf, signal);
  }
}

async function runProbe(
  { name, about, run }: Probe,
  verdictOf: Checked['verdictOf'],
  signal: AbortSignal,
): Promise<Finding> {
  const named = { name, ...(about === undefined ? {} : { about }) };
  const deadline = AbortSignal.timeout(probeMs);
  try {
    return { ...named, ...(await run(AbortSignal.any([signal, deadline]))) };
  } catch (error) {
    return { ...named, ...verdictOf(error) };
  }
}

/** What the links that have not ended rely on at this instance. */
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

function typesOf({ inbound }: SideSettings): Mapped['types'] {
  const fields = inbound.fields.map(({ to }) => to).toSorted();
  const { ticketTypeDefault: fallback } = inbound;
  const names = new Set([...inbound.ticketTypes.map(({ to }) => to), ...(fallback === undefined ? [] : [fallback])]);
  return [...names].map((name) => ({ name, fields }));
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

/** Whether somebody has to do something. */
export function isBad({ verdict }: Pick<Finding, 'verdict'>): boolean {
  return verdict === 'differs' || verdict === 'not-allowed';
}
