/**
 * What holds where both sides have changed the same thing before they met: docs/decisions/0022. One rule at both ends,
 * over values that both ends know: the newest by the time its origin signed, and on a tie the customer's.
 */
import { sameName } from '#core/words/names.ts';
import { reason } from '#core/words/reasons.ts';
import { sameValue, valueOf } from '#core/log/read-back.ts';
import { minute } from '#core/text/template.ts';
import type { Changed, FieldValue, Meant, Person, Reason, SideName, TicketSnapshot } from '#core/words/vocabulary.ts';

/** When a change was made, as its origin signed it, and at which end of the mirror. */
export type Stamp = { readonly at: string; readonly side: SideName };

/** A change of the receiving ticket that the log knows, in that desk's words. */
export type Change = Stamp & { readonly changed: Changed; readonly author: Person | null };

const tieGoesTo: SideName = 'customer';

/** Of one side the later in its lane is the newer, so that equal times of one side are no reason to drop anything. */
export function isNewer(one: Stamp, other: Stamp): boolean {
  const [a, b] = [Date.parse(one.at), Date.parse(other.at)];
  return a === b ? one.side === tieGoesTo && other.side !== tieGoesTo : a > b;
}

/** A clock may be ahead of ours by this much before its times are not believed. Milliseconds. */
const aheadMs = 5 * 60_000;

/** A time from farther ahead counts as the moment at which it was taken in, or it would win for as long as that. */
export function countsAs(at: string, takenIn: string): string {
  return Date.parse(at) > Date.parse(takenIn) + aheadMs ? takenIn : at;
}

export type OriginTime = {
  /** Instant, by the desk's clock. */
  readonly at: string;
  /** How far that clock is ahead of ours. Milliseconds. */
  readonly offsetMs: number;
  /** Instant by our clock: nothing was recorded later. */
  readonly now: string;
  /** Times of changes that the desk shows before it, and after it. */
  readonly behind: readonly string[];
  readonly ahead: readonly string[];
};

/**
 * The time that an origin signs for a change. At one desk the order of changes is the order of their times, also where
 * its clock, or that of whose change it follows, is wrong: who answers a change is newer than it.
 */
export function originAt({ at, offsetMs, now, behind, ahead }: OriginTime): string {
  const own = Date.parse(at);
  if (!Number.isFinite(own)) return at;
  const corrected = Math.min(own - offsetMs, Date.parse(now));
  const after = Math.max(corrected, ...behind.map((one) => Date.parse(one) + 1));
  const found = Math.min(after, ...ahead.map((one) => Date.parse(one) - 1));
  return found === own ? at : new Date(found).toISOString();
}

type Part = { readonly key: Key; readonly field?: string; readonly value: FieldValue };
type Key = 'status' | 'category' | 'priority' | 'summary' | 'field';
const plainKeys = ['status', 'category', 'priority', 'summary'] as const;

/** Whether anything is changed at all. */
export function changesAnything(changed: Changed): boolean {
  return partsOf(changed).length > 0;
}

function partsOf(changed: Changed): Part[] {
  const plain = plainKeys.flatMap((key): Part[] => {
    const value = changed[key];
    return value === undefined ? [] : [{ key, value }];
  });
  return [...plain, ...Object.entries(changed.fields).map(([field, value]): Part => ({ key: 'field', field, value }))];
}

function partIn(changed: Changed, { key, field }: Part): Part | undefined {
  return partsOf(changed).find(
    (one) => one.key === key && (field === undefined || (one.field !== undefined && sameName(one.field, field))),
  );
}

function without(changed: Changed, gone: readonly Part[]): Changed {
  return joined(partsOf(changed).filter((one) => !gone.some((part) => isSamePart(part, one))));
}

function isSamePart(a: Part, b: Part): boolean {
  return a.key === b.key && (a.field === undefined || (b.field !== undefined && sameName(a.field, b.field)));
}

function joined(parts: readonly Part[]): Changed {
  const isField = ({ field }: Part): boolean => field !== undefined;
  const plain = Object.fromEntries(parts.filter((one) => !isField(one)).map(({ key, value }) => [key, value]));
  // Not by assignment: a field may have a name that means something to objects.
  const fields = Object.fromEntries(parts.filter(isField).map(({ field = '', value }) => [field, value]));
  return { ...plain, fields };
}

function isSame(part: Part, value: FieldValue | undefined): boolean {
  if (part.key === 'field' || typeof part.value !== 'string' || typeof value !== 'string') {
    return sameValue(value, part.value);
  }
  return part.key === 'summary' ? value === part.value : sameName(value, part.value);
}

function shown(part: Part, snapshot: TicketSnapshot): FieldValue | undefined {
  return part.key === 'field' ? valueOf(snapshot, part.field ?? '') : snapshot[part.key];
}

type Won = { readonly part: Part; readonly by: Change; readonly theirs: Part };

/** What of it none of these changes. */
export function uncovered(changed: Changed, by: readonly Changed[]): Changed {
  return without(changed, by.flatMap(partsOf));
}

/** For each thing that `meant` changes: the newest change of it that is newer. */
function newerOf(meant: Changed, stamp: Stamp, changes: readonly Change[]): Won[] {
  return partsOf(meant).flatMap((part) => {
    let won: Won | undefined;
    for (const by of changes) {
      const theirs = partIn(by.changed, part);
      if (theirs === undefined || !isNewer(by, won?.by ?? stamp)) continue;
      won = { part, by, theirs };
    }
    return won === undefined ? [] : [won];
  });
}

export type Met = {
  /** What is left of it to do. */
  readonly changed: Changed;
  /** What the newer changes have made of the rest. */
  readonly kept: Changed;
  readonly meant: Meant;
  /** One for each thing that was overtaken by another value. */
  readonly drops: readonly Reason[];
};

/**
 * Before it is written: what a change may still do here.
 * @param all that it means in this desk's words, also what is so already
 * @param changed what it would write of that
 */
export function meet(all: Changed, changed: Changed, stamp: Stamp, changes: readonly Change[], desk: string): Met {
  const won = newerOf(all, stamp, changes);
  const lost = won.map(({ part }) => part);
  return {
    changed: without(changed, lost),
    kept: joined(won.map(({ theirs }) => theirs)),
    meant: { all, assumed: without(all, [...lost, ...partsOf(changed)]) },
    drops: won.flatMap((one) => overtaken(one, desk)),
  };
}

function overtaken({ part, by, theirs }: Won, desk: string): Reason[] {
  if (isSame(theirs, part.value)) return [];
  const { author, at } = by;
  return [
    reason('overtaken', {
      desk,
      what: part.field === undefined ? part.key : `field "${part.field}"`,
      name: worded(part.value),
      expected: worded(theirs.value),
      written: minute(at),
      ...(author?.role === 'agent' ? { by: author.name } : {}),
    }),
  ];
}

function worded(value: FieldValue): string {
  return value === null ? '' : Array.isArray(value) ? value.join(', ') : String(value);
}

/** How the ticket has to be once all that the log knows has met. */
export type Due = {
  /** What has to be written again: our write has covered somebody's newer change, or was left out as so already and is not. */
  readonly again: Changed;
  readonly drops: readonly Reason[];
};

/**
 * After it was written, with the log and the ticket as they are under its lock.
 * @param changes those that the other side learns of too
 * @param everybodys also those that stay here
 */
export function due(
  { all, assumed }: Meant,
  stamp: Stamp,
  changes: readonly Change[],
  everybodys: readonly Change[],
  snapshot: TicketSnapshot,
  desk: string,
): Due {
  const won = newerOf(all, stamp, changes);
  const covered = won.filter(({ part, theirs }) => {
    const now = shown(part, snapshot);
    return !isSame(theirs, now) && isSame(part, now);
  });
  const changedSince = newerOf(assumed, stamp, everybodys);
  const left = partsOf(assumed).filter(
    (part) => !changedSince.some((one) => isSamePart(one.part, part)) && !isSame(part, shown(part, snapshot)),
  );
  return {
    again: joined([...covered.map(({ theirs }) => theirs), ...left]),
    // What shows their value was changed after ours had arrived, in answer to it.
    drops: covered.flatMap((one) => overtaken(one, desk)),
  };
}
