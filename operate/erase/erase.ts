/**
 * Forgets a ticket or a person: what Ferry keeps of what they wrote goes at once, the other side of each link is asked to
 * do the same, and what the helpdesks themselves still hold is said. Their tickets are not Ferry's to delete.
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
  /** A whole name or mail address. `mentions`: also what others wrote that has it in it. */
  | { readonly person: string; readonly mentions: boolean };

export type EraseOptions = {
  /** Only counts. */
  readonly dryRun?: boolean;
  /** Asked with what was counted; absent: yes. */
  readonly confirm?: (found: EraseFound) => Promise<boolean>;
};

/** What there is to erase. */
export type EraseFound = {
  readonly actions: number;
  readonly deliveries: number;
  /** Of these, not carried yet: they are carried no more. */
  readonly waiting: number;
  readonly files: number;
  /** Kept readings of tickets, those of trials that are over among them. */
  readonly snapshots: number;
  /** Trials that have not cleaned up; what one that is under way keeps stays. */
  readonly trials: readonly TrialHeld[];
  /** Readings of tickets with an open mirror: they stay, or what changes could not be told. */
  readonly kept: readonly Ref[];
  /** Tickets at helpdesks that still hold it. */
  readonly holders: readonly Holder[];
  readonly links: readonly { readonly link: string; readonly far: LinkShare['far']; readonly actions: number }[];
};

export type EraseResult = {
  readonly found: EraseFound;
  /** Null: nothing was changed. */
  readonly erased: {
    readonly actions: number;
    readonly skipped: number;
    readonly files: number;
    readonly snapshots: number;
    /** Links whose other gateway is asked; ferry erase status tells what it says. */
    readonly asked: readonly string[];
  } | null;
};

/** Erased in one transaction, and asked of the other side at once. */
const batch = 500;
/** Found at a time. */
const most = 200_000;
const leastLetters = 3;

/** May be repeated: what is gone counts for nothing. @throws Refused unknown-instance, unknown-ticket, short-name, too-many */
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
        `more than ${most} actions hold it; name a whole mail address, or a ticket`,
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
    throw new Refused('short-name', 'wrong', `name a whole name or mail address, of at least ${leastLetters} letters`);
  }
  await assertInstance(db, what.instance);
  const ref = await findTicket(db, what.instance, what.ticket);
  if (ref !== null) return { kind: 'ticket', ref };
  throw new Refused(
    'unknown-ticket',
    'unknown',
    `Ferry has seen nothing of ticket "${what.ticket}" of ${what.instance}, or has forgotten it`,
  );
}

/** The audit says which ticket; whom it would name is to be forgotten. */
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
