/**
 * Resolves changes that both sides made to the same thing before they saw each other's: docs/decisions/0022. Both ends
 * apply one rule to values that both know: the change with the newest signed time wins, and on a tie the customer's.
 */
import { sameName } from '#core/words/names.ts';
import { reason } from '#core/words/reasons.ts';
import { sameValue, valueOf } from '#core/log/read-back.ts';
import { minute } from '#core/text/template.ts';
import type { Changed, FieldValue, Meant, Person, Reason, SideName, TicketSnapshot } from '#core/words/vocabulary.ts';

/** The time of a change, as its origin signed it, and the end of the mirror where it was made. */
export type Stamp = { readonly at: string; readonly side: SideName };

/** A change of the receiving ticket that the log knows, in that desk's words. */
export type Change = Stamp & { readonly changed: Changed; readonly author: Person | null };

const tieGoesTo: SideName = 'customer';

/**
 * Of two changes by the same side, the later in the lane is the newer, so equal times on one side never drop anything.
 */
export function isNewer(one: Stamp, other: Stamp): boolean {
  const [a, b] = [Date.parse(one.at), Date.parse(other.at)];
  return a === b ? one.side === tieGoesTo && other.side !== tieGoesTo : a > b;
}

/** How far a clock may run ahead of ours before its times are not trusted. Milliseconds. */
const aheadMs = 5 * 60_000;

/**
 * Returns the time, or the moment of arrival if the time lies too far ahead; otherwise that change would keep winning
 * until our clock catches up.
 */
export function countsAs(at: string, takenIn: string): string {
  return Date.parse(at) > Date.parse(takenIn) + aheadMs ? takenIn : at;
}

export type OriginTime = {
  /** Instant, by the desk's clock. */
  readonly at: string;
  /** How far that clock is ahead of ours. Milliseconds. */
  readonly offsetMs: number;
  /** Instant by our clock; nothing was recorded after it. */
  readonly now: string;
  /** Times of the changes that the desk shows before this one, and after it. */
  readonly behind: readonly string[];
  readonly ahead: readonly string[];
};

/**
 * Computes the time that an origin signs for a change. Within one desk, times must follow the order of the changes,
 * even if its clock, or the clock of the side it answers, is wrong: an answer is always newer than what it answers.
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

/** Tells whether any value changes. */
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
  // Object.fromEntries, not assignment: a field may be named like a property of Object.prototype.
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

/** Returns the parts of `changed` that none of the changes in `by` touches. */
export function uncovered(changed: Changed, by: readonly Changed[]): Changed {
  return without(changed, by.flatMap(partsOf));
}

/** Finds, for each part of `meant`, the newest change that is newer than `stamp`. */
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
  /** The changes that remain to be made. */
  readonly changed: Changed;
  /** The values that newer changes have set instead. */
  readonly kept: Changed;
  readonly meant: Meant;
  /** One reason for each part that a newer, different value replaced. */
  readonly drops: readonly Reason[];
};

/**
 * Determines, before the write, which of its changes may still be made here.
 * @param all everything the action means in this desk's words, including what already has that value
 * @param changed the part of it that would be written
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

/** What has to be corrected after a write, once all changes in the log are taken into account. */
export type Due = {
  /**
   * Values to write again: our write replaced somebody's newer change, or a value was left out because it was already
   * set and no longer is.
   */
  readonly again: Changed;
  readonly drops: readonly Reason[];
};

/**
 * Compares the ticket with the log after a write, both as they are under the ticket's lock.
 * @param corrected what earlier corrections of this write set: they replace newer changes as the write itself does
 * @param changes those that the other side will also receive
 * @param everybodys all changes, including those that stay here
 */
export function due(
  { all, assumed }: Meant,
  corrected: readonly Changed[],
  stamp: Stamp,
  changes: readonly Change[],
  everybodys: readonly Change[],
  snapshot: TicketSnapshot,
  desk: string,
): Due {
  const won = newerOf(all, stamp, changes);
  const covered = won.filter(({ part, theirs }) => {
    const now = shown(part, snapshot);
    const written = [part, ...corrected.flatMap((changed) => partIn(changed, part) ?? [])];
    return !isSame(theirs, now) && written.some((ours) => isSame(ours, now));
  });
  const changedSince = newerOf(assumed, stamp, everybodys);
  const left = partsOf(assumed).filter(
    (part) => !changedSince.some((one) => isSamePart(one.part, part)) && !isSame(part, shown(part, snapshot)),
  );
  return {
    again: joined([...covered.map(({ theirs }) => theirs), ...left]),
    // If the ticket shows their value, they set it after ours had arrived, in answer to it: no drop.
    drops: covered.flatMap((one) => overtaken(one, desk)),
  };
}
