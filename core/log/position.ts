/**
 * Records how far a ticket's history is known: a position made of ids, never of times. The desk's times only say where
 * to look first, so a clock that jumps, lags or is set by hand hides nothing. docs/decisions/0026.
 */

/**
 * How the ids of actions behave. `count`: whole numbers within the ticket, each one more than the last, so a gap is
 * visible. `grow`: whole numbers across the whole instance, later ones higher. null: unknown.
 */
export type IdBehaviour = 'count' | 'grow' | null;

export type Position = {
  /** Everything up to this action is known; null if the position says nothing. */
  readonly floor: string | null;
  /** The highest id seen while something below it may still appear, and since when (instant, by our clock). */
  readonly high: { readonly id: string; readonly since: string } | null;
  /** What the desk reported as the ticket's last change at the last read. */
  readonly mark: string | null;
};

export const nowhere: Position = { floor: null, high: null, mark: null };

/** How long something lower may still appear after a higher id was seen. Milliseconds by our clock. */
export type Patience = {
  /** For ids that only grow: covers transactions in progress and lagging replicas. */
  readonly lateMs: number;
  /** For ids that count: how long to wait before a gap counts as a deleted action. */
  readonly gapMs: number;
};

/** One day: what a replica of the desk's database has not shown by then will not appear. */
export const gapMs = 24 * 3_600_000;

const wholeNumber = /^\d{1,15}$/;

/** Parses an id as a number; null if it is not one. */
export function numberOf(id: string): number | null {
  return wholeNumber.test(id) ? Number(id) : null;
}

/** Tells whether an id is known by its position alone. */
export function isPassed({ floor }: Pick<Position, 'floor'>, id: string): boolean {
  const [own, known] = [numberOf(id), floor === null ? null : numberOf(floor)];
  return own !== null && known !== null && own <= known;
}

/** Where a read of a ticket begins. */
export type From = Position & {
  /** Nobody has read the ticket yet. */
  readonly isNew: boolean;
  /** The ticket was missing at the last look. */
  readonly isMissing: boolean;
  /** Where to look first, instant by the desk's clock: only a hint. For a ticket that nobody has read: go-live. */
  readonly since: string | null;
  /** The highest id of the whole instance at go-live, if ids grow. */
  readonly liveAfter: string | null;
  /** When the read began: instant by the database's clock, and this process's monotonic clock in milliseconds. */
  readonly asked?: { readonly at: string; readonly steadyMs: number };
};

export const fromTheBeginning: From = { ...nowhere, isNew: true, isMissing: false, since: null, liveAfter: null };

/**
 * What to ask a connector for: actions from `since` on or, if it supports that, from the id `after` on; both null: all.
 */
export type Begin = { readonly since: string | null; readonly after: string | null };

/** Chooses where a read begins. A read includes the last known action again, so that a change of it is noticed. */
export function beginOf(behaviour: IdBehaviour, from: From, overlapMs: number): Begin {
  const whole = { since: null, after: null };
  if (behaviour === null) return whole;
  if (from.floor !== null) return { since: earlier(from.since, overlapMs), after: from.floor };
  // For tickets read before positions were kept, the known history ends at a time.
  if (!from.isNew) return { since: earlier(from.since, overlapMs), after: null };
  return behaviour === 'grow' ? { since: earlier(from.since, overlapMs), after: from.liveAfter } : whole;
}

function earlier(since: string | null, ms: number): string | null {
  const at = since === null ? Number.NaN : Date.parse(since);
  return Number.isFinite(at) ? new Date(at - ms).toISOString() : null;
}

/** What a partial read, starting near the position, showed. */
export type Shown = { readonly ids: readonly string[]; readonly mark: string | null };

/** Why a partial read may have missed something, so that the whole ticket must be read. */
export type Doubt = 'no-anchor' | 'gap' | 'nothing-new';

/** Returns null if the read missed nothing. Only for partial reads; a read of the whole ticket can't miss anything. */
export function doubtOf(behaviour: IdBehaviour, position: Position, shown: Shown): Doubt | null {
  if (behaviour !== 'count' || position.floor === null) return null;
  const numbers = numbersIn(shown.ids);
  const floor = numberOf(position.floor);
  // The read must include the last known action; otherwise it began too late.
  if (floor === null || (floor > 0 && !numbers.has(floor))) return 'no-anchor';
  const above = [...numbers].filter((one) => one > floor);
  const high = above.reduce((most, one) => Math.max(most, one), floor);
  if (above.length !== high - floor) return 'gap';
  // The ticket has changed, but the change is not in what was read: its date may lie outside.
  const known = numberOf(position.high?.id ?? position.floor) ?? floor;
  return high <= known && shown.mark !== null && shown.mark !== position.mark ? 'nothing-new' : null;
}

export type Passed = Shown & {
  /** Those of the shown ids that are now known. The others will be read again. */
  readonly known: ReadonlySet<string>;
  /** Instant at which it was read, by our clock. */
  readonly now: string;
  /** The read showed the ticket's whole history. */
  readonly isWhole: boolean;
  /** The highest id of the instance at go-live: the history of a ticket that nobody has read begins after it. */
  readonly liveAfter: string | null;
};

/** Returns the position after a read. It never moves back. */
export function advanced(behaviour: IdBehaviour, before: Position, shown: Passed, patience: Patience): Position {
  const mark = shown.mark ?? before.mark;
  if (behaviour === null) return { ...nowhere, mark };
  const met = numbersIn(shown.ids);
  const unknown = numbersIn(shown.ids.filter((id) => !shown.known.has(id)));
  const limit = lowest(unknown);
  const reached = [...met].filter((one) => one < limit);
  if (reached.length === 0) return { ...before, mark };
  const top = reached.reduce((most, one) => Math.max(most, one), 0);
  const first = behaviour === 'grow' && shown.liveAfter !== null ? numberOf(shown.liveAfter) : null;
  const start = numberOf(before.floor ?? '') ?? first ?? (shown.isWhole ? 0 : lowest(met) - 1);
  let floor = start;
  if (behaviour === 'count') while (floor < top && met.has(floor + 1)) floor += 1;
  const waitMs = behaviour === 'count' ? patience.gapMs : patience.lateMs;
  const { high } = before;
  const highest = numberOf(high?.id ?? '');
  if (high !== null && highest !== null && Date.parse(shown.now) - Date.parse(high.since) >= waitMs)
    floor = Math.max(floor, Math.min(highest, top));
  const waits = top > floor;
  const kept = high !== null && highest !== null && highest > floor ? high : null;
  return {
    floor: String(Math.max(floor, 0)),
    high: waits ? (kept ?? { id: String(top), since: shown.now }) : null,
    mark,
  };
}

function lowest(numbers: ReadonlySet<number>): number {
  return [...numbers].reduce((least, one) => Math.min(least, one), Number.POSITIVE_INFINITY);
}

function numbersIn(ids: readonly string[]): ReadonlySet<number> {
  return new Set(ids.flatMap((id) => numberOf(id) ?? []));
}

/** What identifies an action besides its id. */
export type Identity = {
  /** Instant of its creation, by its desk's clock; null if not recorded. */
  readonly made: string | null;
  /** Its displayed date, by the same clock, if recorded. */
  readonly dated?: string | null;
  /** Name of its author; null if not recorded. */
  readonly by: string | null;
  /** Whether its text is unchanged; null if unknown. */
  readonly sameText: boolean | null;
};

/** Desks round inconsistently: a smaller difference proves nothing. Milliseconds. */
const roundedMs = 1_000;

/**
 * Tells whether a known id now belongs to another action. A different text alone is an edit; a different author with
 * the same text is a person who was renamed.
 */
export function isAnother(known: Identity, shown: { readonly made: string; readonly by: string }): boolean {
  const kept = known.made === null ? [] : [known.made, known.dated ?? known.made];
  const apart = kept.map((one) => Math.abs(Date.parse(one) - Date.parse(shown.made)));
  const apartMs = apart.reduce((least, one) => Math.min(least, one), Number.POSITIVE_INFINITY);
  if (kept.length > 0 && apartMs > roundedMs) return true;
  const isOtherwise = (kept.length > 0 && apartMs > 0) || (known.by !== null && known.by !== shown.by);
  return isOtherwise && known.sameText === false;
}
