/**
 * Finds out which helpdesk answers at each instance's address: the known one, one that is known as another instance, or an
 * unknown one. For an unknown one, the user has to say whether it is the same helpdesk.
 */
import { bearsReference } from '#core/words/reference.ts';
import type { TicketSnapshot } from '#core/words/vocabulary.ts';
import type { MirroredTicket } from '#db/settings/which-desk.ts';
import type { StoredInstance } from '#db/settings/settings.ts';
import type { Finding } from './fault.ts';
import type { CheckedInstance } from './instances.ts';
import type { ApplyDeps, DeskChange, Stored, WantedInstance } from './types.ts';

/** Instances that the user declared as moved, or as a new helpdesk. */
export type Said = { readonly moved: readonly string[]; readonly replaced: readonly string[] };

export type DesksChecked = {
  readonly findings: readonly Finding[];
  readonly warnings: readonly string[];
  readonly changes: readonly DeskChange[];
};

const patienceMs = 30_000;

type Asked =
  | { readonly kind: 'told'; readonly wanted: WantedInstance; readonly identity: string | null }
  | { readonly kind: 'silent'; readonly wanted: WantedInstance };

export async function checkDesks(
  instances: ReadonlyMap<string, CheckedInstance>,
  stored: Stored,
  deps: ApplyDeps,
  said: Said,
): Promise<DesksChecked> {
  const findings: Finding[] = unknownFindings(instances, said);
  const warnings: string[] = [];
  const changes: DeskChange[] = [];
  const asked = await Promise.all(
    [...instances.values()].flatMap(({ wanted, isReachable }) =>
      wanted === null || !isReachable ? [] : [ask(wanted, deps)],
    ),
  );
  for (const one of asked) {
    const { id } = one.wanted;
    const before = stored.federation.instances.get(id);
    const isSaid = said.moved.includes(id) || said.replaced.includes(id);
    if (one.kind === 'silent') {
      // The catalogue's check reports that it can't be asked; the workers ask before they write.
      const isElsewhere = before !== undefined && !isSameAddress(before.url, one.wanted.url);
      if (isSaid) findings.push(silent(one.wanted));
      else if (isElsewhere && before.identity === null && stored.mirrored.has(id))
        findings.push(otherDesk(before, { ...one, kind: 'told', identity: null }));
      continue;
    }
    const twin = sameAs(one, asked, stored);
    if (twin !== null) {
      findings.push(sameDesk(id, twin));
      continue;
    }
    if (before === undefined) continue;
    const isMirrored = stored.mirrored.has(id);
    const isSettled = isSameAddress(before.url, one.wanted.url) && one.identity === before.identity;
    if (isKnown(before, one, isMirrored) && (!isSaid || (isSettled && said.moved.includes(id)))) continue;
    const { identity } = one;
    if (said.replaced.includes(id) || !isMirrored) {
      // If nothing is mirrored, the user need not declare anything.
      if (identity !== before.identity || isSaid)
        changes.push({ id, kind: 'replaced', before: before.identity, identity, lost: [] });
      continue;
    }
    if (!said.moved.includes(id)) {
      findings.push(otherDesk(before, one));
      continue;
    }
    const { found, lost } = await findAgain(one.wanted, stored.mirroredTickets.get(id) ?? [], deps);
    if (found === 0 && lost.length > 0) findings.push(notMoved(id, lost));
    else changes.push({ id, kind: 'moved', before: before.identity, identity, lost });
    if (found > 0 && lost.length > 0)
      warnings.push(
        `${id}: ${lost.length} of ${found + lost.length} mirrored tickets do not name their mirrors, and will be paused: ${lost
          .map(({ number, ticket }) => number ?? ticket)
          .slice(0, 20)
          .join(', ')}.`,
      );
  }
  return { findings, warnings, changes };
}

async function ask(wanted: WantedInstance, deps: ApplyDeps): Promise<Asked> {
  if (deps.readIdentity === undefined) return { kind: 'silent', wanted };
  return deps.readIdentity(wanted, AbortSignal.timeout(patienceMs)).then(
    (identity): Asked => ({ kind: 'told', wanted, identity }),
    (): Asked => ({ kind: 'silent', wanted }),
  );
}

/** Says whether it has the same identity or, if its type has none, the same address. */
function isKnown(
  before: StoredInstance,
  { identity, wanted }: Extract<Asked, { kind: 'told' }>,
  isMirrored: boolean,
): boolean {
  if (before.identity !== null) return identity === before.identity;
  return !isMirrored || isSameAddress(before.url, wanted.url);
}

function isSameAddress(one: string, other: string): boolean {
  const at = (url: string): string => url.replace(/\/{1,50}$/, '').toLowerCase();
  return at(one) === at(other);
}

/** Finds another instance that is the same helpdesk: in the file, or stored and not in the file. */
function sameAs(
  { wanted, identity }: Extract<Asked, { kind: 'told' }>,
  asked: readonly Asked[],
  stored: Stored,
): string | null {
  if (identity === null) return null;
  const inFile = asked.find((one) => one.kind === 'told' && one.wanted.id !== wanted.id && one.identity === identity);
  if (inFile !== undefined) return inFile.wanted.id;
  const names = new Set(asked.flatMap((one) => (one.kind === 'told' ? [one.wanted.id] : [])));
  const other = [...stored.federation.instances.values()].find(
    (one) => one.id !== wanted.id && one.identity === identity && !names.has(one.id),
  );
  return other?.id ?? null;
}

/** Reads each mirrored ticket, which has to name its mirror or, if the helpdesk shows no names, have the same number. */
async function findAgain(
  wanted: WantedInstance,
  tickets: readonly MirroredTicket[],
  deps: ApplyDeps,
): Promise<{ readonly found: number; readonly lost: readonly MirroredTicket[] }> {
  const lost: MirroredTicket[] = [];
  for (const ticket of tickets) {
    const snapshot = await (deps.readTicket?.(wanted, ticket.ticket, AbortSignal.timeout(patienceMs)) ?? null);
    if (!isSame(ticket, snapshot)) lost.push(ticket);
  }
  return { found: tickets.length - lost.length, lost };
}

function isSame({ far, summary }: MirroredTicket, snapshot: TicketSnapshot | null): boolean {
  if (snapshot === null) return false;
  return bearsReference(snapshot.references, far) ?? (summary !== null && snapshot.summary === summary);
}

function unknownFindings(instances: ReadonlyMap<string, CheckedInstance>, { moved, replaced }: Said): Finding[] {
  const findings = [...moved, ...replaced].flatMap((id): Finding[] =>
    instances.has(id)
      ? []
      : [
          {
            code: 'unknown-instance',
            path: [],
            message: `--moved or --new names ${id}, which is not in the file.`,
            fix: 'Name an instance of the file.',
          },
        ],
  );
  const both = moved.filter((id) => replaced.includes(id));
  return [
    ...findings,
    ...both.map((id) => ({
      code: 'moved-and-new',
      path: ['instances', id],
      message: `${id} can't be both moved and new.`,
      fix: 'Use one of the two options.',
    })),
  ];
}

function silent({ id }: WantedInstance): Finding {
  return {
    code: 'desk-unknown',
    path: ['instances', id, 'url'],
    message: `${id} could not be asked which helpdesk it is.`,
    fix: 'Start it, then apply again.',
  };
}

function sameDesk(id: string, other: string): Finding {
  return {
    code: 'same-desk',
    path: ['instances', id, 'url'],
    message: `The helpdesk at this address is already known as ${other}. What one of the two writes would come back through the other.`,
    fix: 'Correct the address; one helpdesk is one instance, which may have many links.',
  };
}

function otherDesk(
  { id, identity, url }: StoredInstance,
  { identity: told }: Extract<Asked, { kind: 'told' }>,
): Finding {
  const message =
    told !== null && identity !== null
      ? `The helpdesk at this address is not the one with which ${id} is mirrored.`
      : `Ferry can't tell whether the helpdesk at this address is the one with which ${id} is mirrored: ${told === null ? 'it does not identify itself' : `the one at ${url} did not`}.`;
  return {
    code: 'other-desk',
    path: ['instances', id, 'url'],
    message: `${message} Its tickets have different numbers, or the same numbers for different tickets.`,
    fix: `Correct the address. If it is the same helpdesk at a new address: ferry apply --moved ${id}, which first reads every mirrored ticket. If it is a different one: --new ${id}, which ends the mirrors with the earlier one.`,
  };
}

function notMoved(id: string, lost: readonly MirroredTicket[]): Finding {
  return {
    code: 'not-moved',
    path: ['instances', id, 'url'],
    message: `None of the ${lost.length} mirrored tickets of ${id} was found at this address with the name of its mirror.`,
    fix: `Correct the address, or declare with --new ${id} that it is a different helpdesk.`,
  };
}
