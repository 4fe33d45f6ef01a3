/**
 * Erases a ticket or a person: deletes at once what Ferry keeps, asks the other side of each link to do the same, and lists the
 * helpdesks that still have it. Ferry does not delete anything in helpdesks.
 */
import { randomUUID } from 'node:crypto';
import { eraseActions, eraseSnapshots } from '#db/operate/erase.ts';
import {
  concernedActions,
  holdersOf,
  linksOf,
  sizeOf,
  snapshotsOf,
  type ErasureOf,
  type Holder,
  type LinkShare,
} from '#db/operate/erase-find.ts';
import { eraseTrials, trialsOf, type TrialHeld } from '#db/operate/erase-trials.ts';
import { askErasure } from '#db/operate/erasures.ts';
import { findTicket } from '#db/operate/trace.ts';
import type { Ref } from '#core/words/vocabulary.ts';
import { change, changed, unchanged } from '#operate/change.ts';
import { assertInstance } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere } from '#operate/rights.ts';

export type EraseWhat =
  | { readonly ticket: string; readonly instance: string }
  /** A full name or mail address. `mentions`: also what others wrote that contains it. */
  | { readonly person: string; readonly mentions: boolean };

export type EraseOptions = {
  /** Only count. */
  readonly dryRun?: boolean;
  /** Confirms the counts; if absent, yes. */
  readonly confirm?: (found: EraseFound) => Promise<boolean>;
};

/** The numbers of things to erase. */
export type EraseFound = {
  readonly actions: number;
  readonly deliveries: number;
  /** The number of deliveries among them that are not carried yet, and will not be. */
  readonly waiting: number;
  readonly files: number;
  /** Stored readings of tickets, including those of ended trials. */
  readonly snapshots: number;
  /** Trials that have not cleaned up; a running trial keeps its reading. */
  readonly trials: readonly TrialHeld[];
  /** Readings of tickets with an open mirror: they stay, because Ferry detects changes with them. */
  readonly kept: readonly Ref[];
  /** Tickets in helpdesks that still have it. */
  readonly holders: readonly Holder[];
  readonly links: readonly { readonly link: string; readonly far: LinkShare['far']; readonly actions: number }[];
};

export type EraseResult = {
  readonly found: EraseFound;
  /** Null if nothing was changed. */
  readonly erased: {
    readonly actions: number;
    readonly skipped: number;
    readonly files: number;
    readonly snapshots: number;
    /** Links whose other gateway is asked; ferry erase status shows the answers. */
    readonly asked: readonly string[];
  } | null;
};

/** How many actions one transaction erases, and one request to the other side names. */
const batch = 500;
/** How many actions to find at a time. */
const most = 200_000;
const leastLetters = 3;

/** Erases. May be repeated: it does not count what is already gone. @throws Refused unknown-instance, unknown-ticket, short-name, too-many */
export async function erase(operator: Operator, what: EraseWhat, options: EraseOptions = {}): Promise<EraseResult> {
  allow(operator, 'erase', everywhere);
  const { db } = operator;
  const of = await scopeOf(operator, what);
  const ids: string[] = [];
  for (let after: string | null = null; ;) {
    const page = await concernedActions(db, of, after);
    ids.push(...page.ids);
    if (ids.length > most)
      throw new Refused(
        'too-many',
        'wrong',
        `more than ${most} actions contain it; give a full mail address, or a ticket`,
      );
    if (page.next === null) break;
    after = page.next;
  }
  const { found, free } = await lookAt(operator, of, ids);
  const none = found.actions === 0 && found.snapshots === 0;
  if (options.dryRun === true || none) return { found, erased: null };
  if (options.confirm !== undefined && !(await options.confirm(found))) return { found, erased: null };

  const asked = new Set<string>();
  let [actions, skipped, files] = [0, 0, 0];
  for (const some of batches(ids)) {
    const shares = await linksOf(db, some);
    const erasure = randomUUID();
    await change(operator, async (tx) => {
      const done = await eraseActions(tx, some);
      for (const { link, far, actions: own } of shares)
        if (far === 'peer' && (await askErasure(tx, erasure, link, own))) asked.add(link);
      actions += done.actions;
      skipped += done.skipped;
      files += done.files;
      const links = shares.map(({ link }) => link);
      if (done.actions === 0) return unchanged(null);
      return changed(null, { what: 'erase', subject: subjectOf(of), detail: { erasure, ...done, links } });
    });
  }
  const snapshots = await change(operator, async (tx) => {
    const done = (await eraseSnapshots(tx, free)) + (await eraseTrials(tx, found.trials));
    if (done === 0) return unchanged(0);
    return changed(done, { what: 'erase', subject: subjectOf(of), detail: { snapshots: done } });
  });
  return { found, erased: { actions, skipped, files, snapshots, asked: [...asked] } };
}

async function scopeOf({ db }: Operator, what: EraseWhat): Promise<ErasureOf> {
  if ('person' in what) {
    const name = what.person.trim();
    if (name.length >= leastLetters) return { kind: 'person', name, mentions: what.mentions };
    throw new Refused('short-name', 'wrong', `give a full name or mail address, of at least ${leastLetters} letters`);
  }
  await assertInstance(db, what.instance);
  const ref = await findTicket(db, what.instance, what.ticket);
  if (ref !== null) return { kind: 'ticket', ref };
  throw new Refused(
    'unknown-ticket',
    'unknown',
    `Ferry has seen no action of ticket "${what.ticket}" of ${what.instance}, or no longer keeps any`,
  );
}

/** Names the ticket in the audit, but never a person who was erased. */
function subjectOf(of: ErasureOf): string {
  return of.kind === 'ticket' ? `tickets/${of.ref.instance}/${of.ref.externalId}` : 'people';
}

async function lookAt(
  { db }: Operator,
  of: ErasureOf,
  ids: readonly string[],
): Promise<{ found: EraseFound; free: readonly Ref[] }> {
  const holders = new Map<string, Holder>();
  const links = new Map<string, EraseFound['links'][number]>();
  let [deliveries, waiting, files] = [0, 0, 0];
  for (const some of batches(ids)) {
    const size = await sizeOf(db, some);
    deliveries += size.deliveries;
    waiting += size.waiting;
    files += size.files;
    for (const one of await holdersOf(db, some)) {
      const key = JSON.stringify([one.instance, one.entity, one.ticket]);
      if (one.number !== null || !holders.has(key)) holders.set(key, one);
    }
    for (const { link, far, actions } of await linksOf(db, some))
      links.set(link, { link, far, actions: (links.get(link)?.actions ?? 0) + actions.length });
  }
  const { free, kept } = await snapshotsOf(db, of);
  const trials = await trialsOf(db, of);
  const found: EraseFound = {
    actions: ids.length,
    ...{ deliveries, waiting, files, kept, trials },
    snapshots: free.length + trials.filter(({ underWay }) => !underWay).length,
    holders: [...holders.values()],
    links: [...links.values()],
  };
  return { found, free };
}

function batches(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / batch) }, (_, n) => ids.slice(n * batch, (n + 1) * batch));
}
