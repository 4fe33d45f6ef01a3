/**
 * How far the history of a ticket is known: a position made of ids, never of times. The desk's times say where to look
 * first and nothing else, so that a clock that jumps, lags or is set by hand hides nothing. docs/decisions/0026.
 */

/**
 * How the ids of actions behave. `count`: whole numbers within the ticket, each one more than the last, so that a gap
 * shows. `grow`: whole numbers of the whole instance, later ones higher. null: nobody knows.
 */
export type IdBehaviour = 'count' | 'grow' | null;

export type Position = {
  /** Everything up to this action is known; null where nothing is known by its place. */
  readonly floor: string | null;
  /** The highest id met, as long as something below it may still appear, and since when (instant, by our clock). */
  readonly high: { readonly id: string; readonly since: string } | null;
  /** What the desk said of the ticket's last change when it was last read. */
  readonly mark: string | null;
};

export const nowhere: Position = { floor: null, high: null, mark: null };

/** How long something lower may appear after a higher id was met, milliseconds by our clock. */
export type Patience = {
  /** Of ids that only grow: what was under way, or a copy that is behind. */
  readonly lateMs: number;
  /** Of ids that count: how long a gap is waited for, before it counts as an action that was deleted. */
  readonly gapMs: number;
};

/** A day: what a copy of the desk's database has not shown by then is not coming. */
export const gapMs = 24 * 3_600_000;

const wholeNumber = /^\d{1,15}$/;

/** An id as a number; null where it is none. */
export function numberOf(id: string): number | null {
  return wholeNumber.test(id) ? Number(id) : null;
}

/** Known by its place alone. */
export function isPassed({ floor }: Pick<Position, 'floor'>, id: string): boolean {
  const [own, known] = [numberOf(id), floor === null ? null : numberOf(floor)];
  return own !== null && known !== null && own <= known;
}

/** Where a read of a ticket has to begin. */
export type From = Position & {
  /** Nobody has read it yet. */
  readonly isNew: boolean;
  /** When it was looked for last, it was not there. */
  readonly isMissing: boolean;
  /** Where to look first, instant by the desk's clock: a hint. Of a ticket that nobody has read: go-live. */
  readonly since: string | null;
  /** The newest id of the whole instance at go-live, where ids grow. */
  readonly liveAfter: string | null;
  /** When it was asked: instant by the database's clock, and by the steady one of this process, milliseconds. */
  readonly asked?: { readonly at: string; readonly steadyMs: number };
};

export const fromTheBeginning: From = { ...nowhere, isNew: true, isMissing: false, since: null, liveAfter: null };

/** What a connector is asked for: actions from `since` on, or, where it can, from the id `after` on; nulls: all. */
export type Begin = { readonly since: string | null; readonly after: string | null };

/** A read shows the last action that is known once more, so that one sees whether it is still what it was. */
export function beginOf(behaviour: IdBehaviour, from: From, overlapMs: number): Begin {
  const whole = { since: null, after: null };
  if (behaviour === null) return whole;
  if (from.floor !== null) return { since: earlier(from.since, overlapMs), after: from.floor };
  // What was read before positions were kept is known up to a time.
  if (!from.isNew) return { since: earlier(from.since, overlapMs), after: null };
  return behaviour === 'grow' ? { since: earlier(from.since, overlapMs), after: from.liveAfter } : whole;
}

function earlier(since: string | null, ms: number): string | null {
  const at = since === null ? Number.NaN : Date.parse(since);
  return Number.isFinite(at) ? new Date(at - ms).toISOString() : null;
}

/** What a read showed that began near the position. */
export type Shown = { readonly ids: readonly string[]; readonly mark: string | null };

/** Why such a read may have missed something, so that the ticket has to be read whole. */
export type Doubt = 'no-anchor' | 'gap' | 'nothing-new';

/** Null: it has missed nothing. Not to be asked of a read of the whole ticket, which can't miss anything. */
export function doubtOf(behaviour: IdBehaviour, position: Position, shown: Shown): Doubt | null {
  if (behaviour !== 'count' || position.floor === null) return null;
  const numbers = numbersIn(shown.ids);
  const floor = numberOf(position.floor);
  // It begins with the last that is known, or it began too late.
  if (floor === null || (floor > 0 && !numbers.has(floor))) return 'no-anchor';
  const above = [...numbers].filter((one) => one > floor);
  const high = above.reduce((most, one) => Math.max(most, one), floor);
  if (above.length !== high - floor) return 'gap';
  // The ticket has changed, and the change is not among what was looked at: it may be dated otherwise.
  const known = numberOf(position.high?.id ?? position.floor) ?? floor;
  return high <= known && shown.mark !== null && shown.mark !== position.mark ? 'nothing-new' : null;
}

export type Passed = Shown & {
  /** Of the ids that were shown: those that are known now. What is not among them is met again. */
  readonly known: ReadonlySet<string>;
  /** Instant at which it was read, by our clock. */
  readonly now: string;
  /** Nothing lies before what was shown. */
  readonly isWhole: boolean;
  /** The newest id of the instance at go-live: a ticket that nobody has read begins behind it. */
  readonly liveAfter: string | null;
};

/** The position after a read. It never goes back. */
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

/** What is known of an action besides its id: together they say which one it is. */
export type Identity = {
  /** Instant at which it was made, by its desk's clock; null where nobody kept it. */
  readonly made: string | null;
  /** As it was dated, by the same clock, where that was kept too. */
  readonly dated?: string | null;
  /** Name of its author; null where nobody kept it. */
  readonly by: string | null;
  /** Whether its text is as it was; null where nobody knows. */
  readonly sameText: boolean | null;
};

/** Desks round, now this way, now that: what is nearer tells nothing by itself. Milliseconds. */
const roundedMs = 1_000;

/**
 * Whether an action with a known id is another one than it was. Another text alone is an edit, and another name of the
 * same text a person who is called otherwise now.
 */
export function isAnother(known: Identity, shown: { readonly made: string; readonly by: string }): boolean {
  const kept = known.made === null ? [] : [known.made, known.dated ?? known.made];
  const apart = kept.map((one) => Math.abs(Date.parse(one) - Date.parse(shown.made)));
  const apartMs = apart.reduce((least, one) => Math.min(least, one), Number.POSITIVE_INFINITY);
  if (kept.length > 0 && apartMs > roundedMs) return true;
  const isOtherwise = (kept.length > 0 && apartMs > 0) || (known.by !== null && known.by !== shown.by);
  return isOtherwise && known.sameText === false;
}
