/**
 * Tells, for each action a read of a ticket shows, whose it is: ours (echo), an automation's because of ours
 * (consequence), already known, or somebody's and new. Knows no database and no helpdesk.
 */
import type { Person } from '#core/words/vocabulary.ts';
import { numberOf } from './position.ts';

/** A write to this ticket that may still show up, or showed up lately. */
export type WriteView = {
  readonly delivery: string;
  readonly step: number;
  readonly marker: string;
  readonly fingerprints: readonly string[];
  readonly state: 'open' | 'made' | 'settled' | 'absent';
  /** Ids the reply named. */
  readonly actionIds: readonly string[];
  /** Ids of its actions that an earlier read has found. */
  readonly seenAs?: readonly string[];
  /** Instant, UTC, by our clock. */
  readonly promisedAt: string;
  /** Instant after which the request surely no longer runs. */
  readonly deadline: string;
};

export type Recognisable = {
  readonly externalId: string;
  /** Instant, by the desk's clock. */
  readonly at: string;
  /** When it was made, where the desk lets people date it otherwise. */
  readonly made?: string;
  readonly author: Person;
  readonly marker?: string;
  readonly fingerprint: string;
  /** As an earlier version promised it. */
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
  /** Index of the first action that may be ours but matches nothing while a write is open; it and what follows wait. */
  readonly stoppedAt: number | null;
};

export type RecogniseInput = {
  readonly actions: readonly Recognisable[];
  /** Already logged or recognised ids, and as what. */
  readonly known: ReadonlyMap<string, 'action' | 'echo' | 'consequence'>;
  readonly writes: readonly WriteView[];
  /** Instant of go-live, by the desk's clock; earlier actions are not carried. */
  readonly liveSince: string | null;
  /** The newest id at go-live, where ids grow over the whole instance: then they tell, and times do not. */
  readonly liveAfter?: string | null;
  /** What was read and forgotten is not new again; instant by the desk's clock. */
  readonly forgottenTo?: string | null;
  /** What is above was not there when the ticket was last read, whatever it is dated. */
  readonly readTo?: string | null;
  /** Ids of a ticket grow with time: what has a higher one than an action after go-live is after it, too. */
  readonly idsGrow?: boolean;
  readonly settleMs: number;
  /** How far the desk's clock is ahead of ours, milliseconds; absent or null: nobody has measured it. */
  readonly clockOffsetMs?: number | null;
  /** Instant, by our clock, at which the ticket was read. */
  readonly readAt?: string;
  /** There may be writes of ours that nobody remembers: the database was restored, and not all is looked for yet. */
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
  // Our latest write in the ticket's order, as long as no person acted after it.
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
    // A person may use our account; while a write is open nobody can tell the two apart.
    if (action.author.role === 'service' && writeOpen) return { actions: recognised, stoppedAt: index };
    // Marked by Ferry and of no write that is known: this gateway was restored from a backup since it wrote it.
    if (action.author.role === 'service' && action.marker !== undefined && ownMarker.test(action.marker)) {
      ours = { at, write: null, forgotten: true };
      recognised.push({ as: 'consequence', index, write: null });
      continue;
    }
    // A desk that records the changes beside a note as actions of their own marks the note alone.
    if (action.author.role === 'service' && action.bare && ours?.forgotten === true && at - ours.at <= settleMs) {
      recognised.push({ as: 'consequence', index, write: null });
      continue;
    }
    // As with an open write; what it is shows once what may have been written is looked for.
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

/** By ids where they tell it, else by when the desk says that it was made. */
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

/** The lowest id of an action that was made after go-live and not in the future: clocks jump, ids do not. */
function firstLiveId({ actions, liveSince, idsGrow = false, readAt, clockOffsetMs }: RecogniseInput): number {
  if (!idsGrow || liveSince === null) return Number.POSITIVE_INFINITY;
  const nowMs = readAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(readAt) + (clockOffsetMs ?? 0);
  const ids = actions.flatMap(({ externalId, at, made = at }) => {
    const madeMs = Date.parse(made);
    return madeMs >= Date.parse(liveSince) && madeMs <= nowMs + aheadMs ? (numberOf(externalId) ?? []) : [];
  });
  return ids.reduce((least, id) => Math.min(least, id), Number.POSITIVE_INFINITY);
}

/** Clocks that nobody has measured differ by less. Milliseconds. */
const aheadMs = 10 * 60_000;

type Reach = RecogniseInput & {
  /** Of the actions that are read, by their ids. Milliseconds. */
  readonly times: ReadonlyMap<string, number>;
};

/** The write this action is an echo of: by its id or marker, or by our identity together with the fingerprint. */
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
  // What it was promised to look like tells it also where a clock that nobody has measured dates it before its write.
  const mayBe = writes.filter(
    (write) => isUnsettled(write) && (isNotAfter(write, action, reach) || isBeside(write, at, reach)),
  );
  for (const write of mayBe) {
    const key = spentKey(write, action);
    // One write makes each of its actions once; the same text again is a person using our account.
    // Where the reply named the ids, the same text under another id is a person's.
    const named = write.actionIds.length > 0 && !action.bare;
    if (!named && isPromised(write, action) && !spent.has(key)) {
      spent.add(key);
      return write;
    }
  }
  // A desk may record a bare change in words of its own, and later than the rest; by our account and beside our write it
  // is ours, whatever is known of the write by then.
  return action.bare ? (inReach.find(isUnsettled) ?? inReach.at(-1) ?? null) : null;
}

function isPromised({ fingerprints }: WriteView, { fingerprint, fingerprintBefore }: Recognisable): boolean {
  return (
    fingerprints.includes(fingerprint) || (fingerprintBefore !== undefined && fingerprints.includes(fingerprintBefore))
  );
}

/**
 * A write that the helpdesk confirmed without naming an id, and of which nothing was seen: the desk has altered the
 * text beyond recognition. The first action by our account in its time is its echo.
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

/** What earlier reads have found of each write: the same text once more is a person's who uses our account. */
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
 * It was made while the write could run: by the desk's clock, put right by what was measured of it; or by ours, because
 * it was not there when the ticket was read before, and is there while the write can run.
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

/** One that was found long after it was made was promised only then; where its actions are says when it was. */
function isBeside({ actionIds }: WriteView, at: number, { settleMs, times }: Reach): boolean {
  return actionIds.some((id) => {
    const made = times.get(id);
    return made !== undefined && at >= made && at - made <= settleMs;
  });
}
