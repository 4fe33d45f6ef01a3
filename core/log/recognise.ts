/**
 * Classifies each action that a read of a ticket shows: our own write (echo), an automation's reaction to it
 * (consequence), already known, or new. Independent of database and helpdesk.
 */
import type { Person } from '#core/words/vocabulary.ts';
import { numberOf } from './position.ts';

/** A write to this ticket that may still appear, or appeared recently. */
export type WriteView = {
  readonly delivery: string;
  readonly step: number;
  readonly marker: string;
  readonly fingerprints: readonly string[];
  readonly state: 'open' | 'made' | 'settled' | 'absent';
  /** Ids that the reply named. */
  readonly actionIds: readonly string[];
  /** Ids of its actions that earlier reads found. */
  readonly seenAs?: readonly string[];
  /** Instant, UTC, by our clock. */
  readonly promisedAt: string;
  /** Instant after which the request can no longer be running. */
  readonly deadline: string;
};

export type Recognisable = {
  readonly externalId: string;
  /** Instant, by the desk's clock. */
  readonly at: string;
  /** When it was created, if the desk lets people set another date. */
  readonly made?: string;
  readonly author: Person;
  readonly marker?: string;
  readonly fingerprint: string;
  /** The fingerprint as earlier versions promised it. */
  readonly fingerprintBefore?: string;
  /** No note, no files: a bare change of status or fields. */
  readonly bare: boolean;
};

export type Recognised =
  | { readonly as: 'known'; readonly index: number }
  | { readonly as: 'before-go-live'; readonly index: number }
  | { readonly as: 'echo'; readonly index: number; readonly write: WriteView }
  | { readonly as: 'consequence'; readonly index: number; readonly write: WriteView | null }
  | { readonly as: 'new'; readonly index: number };

export type Recognition = {
  readonly actions: readonly Recognised[];
  /**
   * Index of the first action that may be ours but matches no write while a write is open. It and everything after it
   * wait.
   */
  readonly stoppedAt: number | null;
};

export type RecogniseInput = {
  readonly actions: readonly Recognisable[];
  /** Ids already logged or recognised, and as what. */
  readonly known: ReadonlyMap<string, 'action' | 'echo' | 'consequence'>;
  readonly writes: readonly WriteView[];
  /** Instant of go-live, by the desk's clock; earlier actions are not carried. */
  readonly liveSince: string | null;
  /** The highest id at go-live, if ids grow across the whole instance: ids then decide instead of times. */
  readonly liveAfter?: string | null;
  /** Actions up to this instant were read and have been deleted from the log: they are not new. By the desk's clock. */
  readonly forgottenTo?: string | null;
  /** Ids above this one did not exist at the last read, whatever their date. */
  readonly readTo?: string | null;
  /** Ids within a ticket grow with time: an id higher than that of an action after go-live is also after go-live. */
  readonly idsGrow?: boolean;
  readonly settleMs: number;
  /** How far the desk's clock runs ahead of ours, milliseconds; absent or null if not measured. */
  readonly clockOffsetMs?: number | null;
  /** Instant, by our clock, at which the ticket was read. */
  readonly readAt?: string;
  /** There may be writes of ours that the database lost: it was restored, and the search for them is not complete. */
  readonly mayBeForgotten?: boolean;
};

const ownMarker = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}-\d{1,3}$/;

export function recognise(input: RecogniseInput): Recognition {
  const { actions, known, writes, settleMs } = input;
  const writeOpen = writes.some((write) => write.state === 'open');
  const times = new Map(actions.map(({ externalId, at }) => [externalId, Date.parse(at)]));
  const reach = { ...input, times };
  const seen = new Set(writes.filter(({ seenAs }) => seenAs !== undefined && seenAs.length > 0).map(keyOf));
  const spent = spentBefore(actions, writes);
  const recognised: Recognised[] = [];
  const firstLive = firstLiveId(input);
  // Our latest write in the ticket's order, unless a person acted after it.
  let ours: { readonly at: number; readonly write: WriteView | null; readonly forgotten?: boolean } | null = null;

  for (const [index, action] of actions.entries()) {
    const at = Date.parse(action.at);
    const before = known.get(action.externalId);
    if (before !== undefined) {
      if (before === 'echo') ours = { at, write: null };
      if (before === 'action') ours = null;
      recognised.push({ as: 'known', index });
      continue;
    }
    const write = ownWrite(action, writes, spent, reach) ?? unnamedWrite(action, writes, seen, reach);
    if (write !== null) {
      seen.add(keyOf(write));
      ours = { at, write };
      recognised.push({ as: 'echo', index, write });
      continue;
    }
    if (action.author.role === 'automation' && ours !== null && at - ours.at <= settleMs) {
      recognised.push({ as: 'consequence', index, write: ours.write });
      continue;
    }
    // A person may use our account; while a write is open, their action can't be told from ours.
    if (action.author.role === 'service' && writeOpen) return { actions: recognised, stoppedAt: index };
    // Carries Ferry's marker but belongs to no known write: this gateway was restored from a backup taken before it.
    if (action.author.role === 'service' && action.marker !== undefined && ownMarker.test(action.marker)) {
      ours = { at, write: null, forgotten: true };
      recognised.push({ as: 'consequence', index, write: null });
      continue;
    }
    // A desk that records the changes beside a note as separate actions marks only the note.
    if (action.author.role === 'service' && action.bare && ours?.forgotten === true && at - ours.at <= settleMs) {
      recognised.push({ as: 'consequence', index, write: null });
      continue;
    }
    // As with an open write: the search for lost writes will show what it is.
    if (action.author.role === 'service' && input.mayBeForgotten === true)
      return { actions: recognised, stoppedAt: index };
    if (isBeforeGoLive(action, input, firstLive)) {
      recognised.push({ as: 'before-go-live', index });
      continue;
    }
    if (action.author.role !== 'automation') ours = null;
    recognised.push({ as: 'new', index });
  }
  return { actions: recognised, stoppedAt: null };
}

/**
 * Tells whether an action predates go-live: by ids if they decide it, otherwise by when the desk says it was created.
 */
function isBeforeGoLive(
  { externalId, at, made = at }: Recognisable,
  input: RecogniseInput,
  firstLive: number,
): boolean {
  const { liveSince, liveAfter = null, forgottenTo = null, readTo = null } = input;
  const id = numberOf(externalId);
  const bar = numberOf(readTo ?? '');
  if (id !== null && bar !== null && id > bar) return false;
  if (forgottenTo !== null && Date.parse(made) < Date.parse(forgottenTo)) return true;
  const live = numberOf(liveAfter ?? '');
  if (id !== null && live !== null) return id <= live;
  if (id !== null && id > firstLive) return false;
  return liveSince !== null && Date.parse(made) < Date.parse(liveSince);
}

/** Returns the lowest id of an action created after go-live and not in the future: clocks jump, ids do not. */
function firstLiveId({ actions, liveSince, idsGrow = false, readAt, clockOffsetMs }: RecogniseInput): number {
  if (!idsGrow || liveSince === null) return Number.POSITIVE_INFINITY;
  const nowMs = readAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(readAt) + (clockOffsetMs ?? 0);
  const ids = actions.flatMap(({ externalId, at, made = at }) => {
    const madeMs = Date.parse(made);
    return madeMs >= Date.parse(liveSince) && madeMs <= nowMs + aheadMs ? (numberOf(externalId) ?? []) : [];
  });
  return ids.reduce((least, id) => Math.min(least, id), Number.POSITIVE_INFINITY);
}

/** Clocks that nobody has measured differ by less than this. Milliseconds. */
const aheadMs = 10 * 60_000;

type Reach = RecogniseInput & {
  /** Times of the actions in this read, by id. Milliseconds. */
  readonly times: ReadonlyMap<string, number>;
};

/** Finds the write that this action echoes: by its id or marker, or by our account together with the fingerprint. */
function ownWrite(
  action: Recognisable,
  writes: readonly WriteView[],
  spent: Set<string>,
  reach: Reach,
): WriteView | null {
  for (const write of writes) {
    if (action.marker !== undefined && action.marker === write.marker) return write;
    if (write.actionIds.includes(action.externalId)) return write;
  }
  if (action.author.role !== 'service') return null;
  const at = Date.parse(action.at);
  const inReach = writes.filter((write) => withinReach(write, action, reach) || isBeside(write, at, reach));
  const isUnsettled = ({ state }: WriteView): boolean => state === 'open' || state === 'made';
  // The promised fingerprint also decides where an unmeasured clock dates the action before its write.
  const mayBe = writes.filter(
    (write) => isUnsettled(write) && (isNotAfter(write, action, reach) || isBeside(write, at, reach)),
  );
  for (const write of mayBe) {
    const key = spentKey(write, action);
    // One write makes each of its actions once: the same text again is a person using our account. If the reply named
    // the ids, the same text under another id is a person's.
    const named = write.actionIds.length > 0 && !action.bare;
    if (!named && isPromised(write, action) && !spent.has(key)) {
      spent.add(key);
      return write;
    }
  }
  // A desk may record a bare change in its own words, and later than the rest. By our account and close to our write,
  // it is ours, whatever the state of that write.
  return action.bare ? (inReach.find(isUnsettled) ?? inReach.at(-1) ?? null) : null;
}

function isPromised({ fingerprints }: WriteView, { fingerprint, fingerprintBefore }: Recognisable): boolean {
  return (
    fingerprints.includes(fingerprint) || (fingerprintBefore !== undefined && fingerprints.includes(fingerprintBefore))
  );
}

/**
 * Finds a write that the helpdesk confirmed without naming an id and of which no action was found: the desk has changed
 * the text beyond recognition. The first action by our account within its time is its echo.
 */
function unnamedWrite(
  action: Recognisable,
  writes: readonly WriteView[],
  seen: ReadonlySet<string>,
  input: RecogniseInput,
): WriteView | null {
  if (action.author.role !== 'service') return null;
  return (
    writes.find(
      (write) =>
        write.state === 'made' &&
        write.actionIds.length === 0 &&
        write.fingerprints.length > 0 &&
        !seen.has(keyOf(write)) &&
        withinReach(write, action, input),
    ) ?? null
  );
}

/** Collects what earlier reads found of each write: the same text again is by a person using our account. */
function spentBefore(actions: readonly Recognisable[], writes: readonly WriteView[]): Set<string> {
  const spent = new Set<string>();
  for (const action of actions) {
    const write = writes.find(({ seenAs }) => seenAs?.includes(action.externalId) === true);
    if (write !== undefined) spent.add(spentKey(write, action));
  }
  return spent;
}

function spentKey(write: WriteView, { fingerprint }: Recognisable): string {
  return `${keyOf(write)}/${fingerprint}`;
}

function keyOf(write: WriteView): string {
  return `${write.delivery}/${write.step}`;
}

/**
 * Tells whether the action was created while the write could run: by the desk's clock, corrected by its measured
 * offset; or by ours, because the action was missing at the previous read and appears while the write can run.
 */
function withinReach(write: WriteView, action: Recognisable, input: RecogniseInput): boolean {
  if (isReadDuring(write, input)) return true;
  const at = Date.parse(action.at) - (input.clockOffsetMs ?? 0);
  return at >= Date.parse(write.promisedAt) - input.settleMs && at <= Date.parse(write.deadline) + input.settleMs;
}

function isNotAfter(write: WriteView, action: Recognisable, input: RecogniseInput): boolean {
  if (isReadDuring(write, input)) return true;
  const at = Date.parse(action.at) - (input.clockOffsetMs ?? 0);
  return at <= Date.parse(write.deadline) + input.settleMs;
}

function isReadDuring({ promisedAt, deadline }: WriteView, { readAt, settleMs }: RecogniseInput): boolean {
  const read = readAt === undefined ? Number.NaN : Date.parse(readAt);
  return read >= Date.parse(promisedAt) && read <= Date.parse(deadline) + settleMs;
}

/**
 * Tells whether the action is close to one of the write's actions. A write recovered late was promised only then; the
 * dates of its actions say when it was really made.
 */
function isBeside({ actionIds }: WriteView, at: number, { settleMs, times }: Reach): boolean {
  return actionIds.some((id) => {
    const made = times.get(id);
    return made !== undefined && at >= made && at - made <= settleMs;
  });
}
