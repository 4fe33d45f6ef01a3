/**
 * Logs what a read of a ticket showed, in one transaction: it locks the ticket, separates echoes and consequences from
 * what people did, and passes every new action to `logAction`. Two concurrent readings are harmless: the later one
 * finds everything known.
 */
import { sql } from 'drizzle-orm';
import {
  advanced,
  fromTheBeginning,
  gapMs,
  isAnother,
  isPassed,
  type From,
  type IdBehaviour,
  type Position,
} from '#core/log/position.ts';
import { isNewest, topOf } from '#core/log/newest.ts';
import { recognise, type Recognised, type Recognition, type WriteView } from '#core/log/recognise.ts';
import type { Unrecorded } from '#core/log/unrecorded.ts';
import { must } from '#core/words/must.ts';
import { uncovered } from '#core/conversation/meet.ts';
import type { Changed, Ref, TicketSnapshot } from '#core/words/vocabulary.ts';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { changedBeside } from './changed-beside.ts';
import { echoesOf } from './echoes.ts';
import { comparableText } from '#core/text/fingerprint.ts';
import { DeskRestored } from './desk-restored.ts';
import { lockTicket, type KnownAction, type LockedTicket } from './locked-ticket.ts';
import { logAction } from './log-action.ts';
import type { ObservedAction, Written } from '#core/words/desk.ts';
import { moveMirrorsOn } from './mirror-life.ts';
import type { Mirror } from './mirrors.ts';
import { originTimes } from './origin-time.ts';
import { fromColumn, fromOf, type FromRow } from './position-columns.ts';
import { rememberReadings, writeKey, type Remembered } from './remember-reading.ts';
import type { VersionCache } from '#db/settings/settings-in-force.ts';
import { textArray } from '#db/base/text-array.ts';
import type { UnitOfWork } from '#db/base/unit-of-work.ts';

/** One step of a delivery, with the helpdesk's answer to it. */
export type StepMade = { readonly delivery: string; readonly step: number; readonly made: Written };

export type LogReadingInput = {
  readonly ref: Ref;
  readonly snapshot: TicketSnapshot;
  /** In the helpdesk's order; notes already sanitised. */
  readonly actions: readonly ObservedAction[];
  readonly settleMs: number;
  /** How far the desk's clock runs ahead of ours; null or absent if not measured. Milliseconds. */
  readonly clockOffsetMs?: number | null;
  /** How the desk's ids behave; absent if unknown. */
  readonly ids?: IdBehaviour;
  /** How late an action with a lower id may appear. Milliseconds. */
  readonly lateMs?: number;
  /** What the desk reported as the ticket's last change. */
  readonly mark?: string | undefined;
  /** Ids that are not gaps, although no relevant action has them. */
  readonly others?: readonly string[] | undefined;
  /** All actions of the ticket were requested. */
  readonly isWhole?: boolean;
  /** Instant of the read, by our clock. */
  readonly readAt?: string;
  /** Instant at which the read began, by the database's clock; absent if nothing newer can have been read. */
  readonly begunAt?: string | undefined;
  /** The id from which the ticket was read, unless it was read whole. */
  readonly after?: string | null;
  /** We have just created this ticket ourselves, so an open create does not matter. */
  readonly created?: boolean;
  /** Runs directly under the ticket's lock, before anything is read. */
  readonly first?: () => Promise<void>;
  /** The helpdesk's answer to our own write. The caller stores it together with the end of the delivery. */
  readonly made?: StepMade;
};

export type LogReadingResult = {
  readonly wake: readonly string[];
  readonly logged: number;
  /** Ids of known actions whose text differs for the first time: edits, which are not carried. */
  readonly edited: readonly string[];
  /** An action by our account appeared while a write is open: read again once that has settled. */
  readonly readAgain: boolean;
  /** No write is open, but the search for lost writes is not complete, or has only just begun; else null. */
  readonly forgotten: 'quarantined' | 'looking' | null;
  /** Writes of which this reading showed an action, as `<delivery>/<step>`. */
  readonly seen: ReadonlySet<string>;
  /** People's actions in this reading, newest last; for determining who set a status. */
  readonly people: readonly ObservedAction[];
  readonly consequences: readonly ObservedAction[];
  /** Mirrors of the ticket that still matter; their locks and those of their lanes are held. */
  readonly mirrors: readonly string[];
};

const nothing: LogReadingResult = {
  wake: [],
  logged: 0,
  edited: [],
  readAgain: false,
  forgotten: null,
  seen: new Set(),
  people: [],
  consequences: [],
  mirrors: [],
};

/** Runs inside the caller's transaction. `locked`: the ticket, if the caller already holds its lock. */
export async function logReading(
  unit: UnitOfWork,
  cache: VersionCache,
  input: LogReadingInput,
  locked?: LockedTicket,
): Promise<LogReadingResult> {
  const { ref, snapshot, actions } = input;
  const externalIds = actions.map((action) => action.externalId);
  const ticket = locked ?? (await lockTicket(unit.tx, { ref, externalIds }, input.first));
  const { mirrors, creating, mayBeForgotten } = ticket;
  const { known, edited } = knownHere(ticket, input);
  const writes = withMade(ticket.writes, input.made);
  // A ticket that nobody has read yet may be the one we are creating; its mirror comes with the outcome.
  if (ticket.isNew && input.created !== true) {
    if (creating || (mirrors.length === 0 && (await isBeingOpened(unit.tx, ref)))) {
      await forgetTicket(unit.tx, ref);
      return { ...nothing, readAgain: true };
    }
  }
  let recognition = recognised(ticket, input, known, writes);
  const isOld = recognition.actions.some(({ as }) => as === 'before-go-live');
  // Whatever its clock says, a ticket that Ferry opened has no history from before go-live.
  if (isOld && (await wasOpenedByUs(unit.tx, ref)))
    recognition = recognised({ ...ticket, liveSince: null, liveAfter: null }, input, known, writes);
  const newest = newestOf(ticket, input);
  const met = await logRecognised(unit, cache, input, { ticket, recognition, isNewest: newest.isNewest });
  if (edited.length > 0) await markEdited(unit.tx, ref, edited);
  unit.later(rememberReadings, {
    ref,
    snapshot,
    ...placeOf(ticket, input, recognition),
    mirrored: mirrors.length > 0 || met.wake.size > 0,
    ...newest,
    begunAt: input.begunAt ?? null,
    ours: met.ours,
    ends: input.made?.delivery ?? null,
  });
  if (mirrors.length > 0 && ticket.closed !== snapshot.closed) {
    await moveMirrorsOn(
      unit.tx,
      mirrors.map((mirror) => mirror.id),
    );
  }
  return {
    wake: [...met.wake],
    logged: met.logged,
    edited,
    readAgain: recognition.stoppedAt !== null,
    forgotten: mayBeForgotten && writes.every(({ state }) => state !== 'open') ? resting(mirrors) : null,
    seen: met.seen,
    people: met.people,
    consequences: met.consequences,
    mirrors: mirrors.map((mirror) => mirror.id),
  };
}

function recognised(
  ticket: LockedTicket,
  input: LogReadingInput,
  known: ReadonlyMap<string, KnownAction['as']>,
  writes: readonly WriteView[],
): Recognition {
  const { position } = ticket;
  return recognise({
    actions: input.actions.map((action) => ({
      ...action,
      bare: action.note === null && action.attachments.length === 0,
    })),
    known,
    writes,
    liveSince: ticket.liveSince,
    liveAfter: input.ids === 'grow' ? ticket.liveAfter : null,
    forgottenTo: ticket.forgottenTo,
    readTo: position.high?.id ?? position.floor,
    idsGrow: (input.ids ?? null) !== null,
    settleMs: input.settleMs,
    clockOffsetMs: input.clockOffsetMs ?? null,
    ...(input.readAt === undefined ? {} : { readAt: input.readAt }),
    mayBeForgotten: ticket.mayBeForgotten,
  });
}

function newestOf({ kept }: LockedTicket, input: LogReadingInput): Pick<Remembered, 'isNewest' | 'top'> {
  const ids = [...input.actions.map(({ externalId }) => externalId), ...(input.others ?? [])];
  const top = topOf(ids, input.after ?? null);
  return { top, isNewest: isNewest(kept, { top, begunAt: input.begunAt ?? null }, input.settleMs) };
}

type Met = {
  readonly wake: Set<string>;
  readonly people: ObservedAction[];
  readonly consequences: ObservedAction[];
  readonly seen: Set<string>;
  readonly ours: Remembered['ours'][number][];
  logged: number;
};

/** Logs what is new of the actions recognised, in the desk's order, and sorts the others. */
async function logRecognised(
  unit: UnitOfWork,
  cache: VersionCache,
  input: LogReadingInput,
  { ticket, recognition, isNewest: newest }: Recognising,
): Promise<Met> {
  const { ref, snapshot, actions } = input;
  const { mirrors, openings } = ticket;
  const echoes = await echoesOf(unit, ticket.echoes, recognition, actions);
  const times = originTimes(unit, { ref, mirrors, actions, echoes, offsetMs: input.clockOffsetMs ?? 0 });
  const met: Met = { wake: new Set(), people: [], consequences: [], seen: new Set(), ours: [], logged: 0 };
  const last = recognition.actions.findLast((found) => found.as === 'new');
  // What an older reading shows otherwise is no change.
  const beside =
    last === undefined || !newest ? { fields: {} } : await changedBeside(unit, ticket.before, input, mirrors);
  for (const found of recognition.actions) {
    const read = actions[found.index];
    if (read === undefined) continue;
    const action = found === last ? withBeside(read, beside) : read;
    if (found.as === 'echo' || found.as === 'consequence') {
      const { externalId: id, at, made = at } = action;
      met.ours.push({ id, as: found.as, write: writeOf(found), at, made });
      if (found.as === 'echo') met.seen.add(writeKey(found.write));
      else met.consequences.push(action);
    }
    if (found.as !== 'new') continue;
    met.people.push(action);
    const { at: originAt, covered } = await times.of(action, found.index);
    const result = await logAction(unit, cache, {
      originAt,
      id: must(ticket.ids[found.index], 'an id for the action'),
      ref,
      snapshot,
      action: covered.length === 0 ? action : withoutCovered(action, covered),
      mirrors,
      openings,
      follows: (mirror) => echoes.before(found.index, action.at, mirror),
    });
    if (result.logged) met.logged += 1;
    for (const to of result.wake) met.wake.add(to);
  }
  return met;
}

type Recognising = {
  readonly ticket: LockedTicket;
  readonly recognition: Recognition;
  readonly isNewest: boolean;
};

/** Up to where the ticket is known after this reading. */
function placeOf(
  { position, now, liveAfter }: LockedTicket,
  input: LogReadingInput,
  recognition: Recognition,
): Pick<Remembered, 'position' | 'cursor'> {
  const met = recognition.actions.flatMap(({ index }) => input.actions[index] ?? []);
  const others = input.others ?? [];
  const reached = advanced(
    input.ids ?? null,
    position,
    {
      ids: [...input.actions.map(({ externalId }) => externalId), ...others],
      mark: input.mark ?? null,
      known: new Set([...met.map(({ externalId }) => externalId), ...others]),
      now,
      isWhole: input.isWhole ?? false,
      liveAfter,
    },
    { lateMs: input.lateMs ?? 0, gapMs },
  );
  return { position: reached, cursor: hintOf(met, reached) };
}

/** A ticket without a mirror belongs to no link that could be resumed. */
function resting(mirrors: readonly Mirror[]): 'quarantined' | 'looking' {
  const isActive = mirrors.some(({ linkState }) => linkState === 'active');
  return isActive ? 'looking' : 'quarantined';
}

/** Adds changes made together with the action that the desk records on no action. */
function withBeside(action: ObservedAction, { summary, fields }: Unrecorded): ObservedAction {
  const words = {
    ...action.words,
    ...(summary === undefined ? {} : { summary }),
    fields: { ...fields, ...action.words.fields },
  };
  return { ...action, words };
}

function withoutCovered(action: ObservedAction, covered: readonly Changed[]): ObservedAction {
  const { kind, type, ...changed } = action.words;
  return { ...action, words: { kind, ...(type === undefined ? {} : { type }), ...uncovered(changed, covered) } };
}

/** Returns where a read of this record begins. */
export async function readFrom(db: Db, { instance, entity, externalId }: Ref): Promise<From> {
  return (await readFromMany(db, instance, entity, [externalId])).get(externalId) ?? fromTheBeginning;
}

export async function readFromMany(
  db: Db,
  instance: string,
  entity: string,
  ids: readonly string[],
): Promise<Map<string, From>> {
  const found = await rows<{ id: string; from: FromRow }>(
    db,
    sql`select asked.id, ${fromColumn(sql`${entity}::text`)} as "from"
      from unnest(${textArray(ids)}) as asked(id)
      join instances i on i.id = ${instance}
      left join tickets t on t.instance = i.id and t.entity = ${entity} and t.external_id = asked.id`,
  );
  return new Map(found.map((row) => [row.id, fromOf(row.from)]));
}

/** Tells whether an escalation has created the ticket and has further steps to make before its mirror is open. */
async function isBeingOpened(tx: Tx, { instance, entity, externalId }: Ref): Promise<boolean> {
  const found = await rows(
    tx,
    sql`select 1 as one from writes w
      join deliveries d on d.id = w.delivery and d.escalation and d.outcome is null
      join mirrors m on m.id = d.mirror and m.state = 'opening'
      where w.instance = ${instance} and w.entity = ${entity} and w.ticket = ${externalId} limit 1`,
  );
  return found.length > 0;
}

async function forgetTicket(tx: Tx, { instance, entity, externalId }: Ref): Promise<void> {
  await tx.execute(
    sql`delete from tickets where instance = ${instance} and entity = ${entity} and external_id = ${externalId}`,
  );
}

/** Updates the writes with the helpdesk's answer to ours. */
function withMade(writes: readonly WriteView[], own: StepMade | undefined): readonly WriteView[] {
  if (own === undefined) return writes;
  return writes.map((write) =>
    write.delivery === own.delivery && write.step === own.step && write.state !== 'settled'
      ? { ...write, state: 'made', actionIds: own.made.actionIds }
      : write,
  );
}

function writeOf(found: Recognised): WriteView | null {
  return found.as === 'echo' || found.as === 'consequence' ? found.write : null;
}

/**
 * Finds which of the shown actions are known, by id: those in the log, and those that the position has passed.
 * `edited`: those that differ only in their text, for the first time.
 * @throws DeskRestored if one of them is now another action
 */
function knownHere(
  { identities, position, cursor, mirrors, now }: LockedTicket,
  { ref, actions, ids = null }: LogReadingInput,
): { readonly known: ReadonlyMap<string, KnownAction['as']>; readonly edited: readonly string[] } {
  const edited: string[] = [];
  const here = new Map<string, KnownAction['as']>();
  const passedTo = passedByTime({ position, cursor, mirrors, now }, ids);
  for (const { externalId, at, made = at, author, note } of actions) {
    const found = identities.get(externalId);
    if (found === undefined) {
      if (isPassed(position, externalId) || Date.parse(made) <= passedTo) here.set(externalId, 'action');
      continue;
    }
    const sameText = found.note === null ? null : found.note === note || sameWords(found.note, note ?? '');
    if (isAnother({ made: found.made, dated: found.dated, by: found.by, sameText }, { made, by: author.name }))
      throw new DeskRestored(ref, externalId);
    if (sameText === false && !found.edited) edited.push(externalId);
    here.set(externalId, found.as);
  }
  return { known: here, edited };
}

async function markEdited(tx: Tx, { instance, entity, externalId }: Ref, ids: readonly string[]): Promise<void> {
  await tx.execute(
    sql`update actions set edited_at = now()
      where instance = ${instance} and entity = ${entity} and ticket = ${externalId} and external_id = any(${textArray(ids)})`,
  );
}

/**
 * Returns the instant up to which actions count as known if ids can't tell: for a ticket without a mirror that was read
 * before positions existed, since uncarried actions have been deleted from the log; and if the behaviour of ids is
 * unknown, a day before the newest. By the desk's clock, milliseconds.
 */
function passedByTime(
  { position, cursor, mirrors, now }: Pick<LockedTicket, 'position' | 'cursor' | 'mirrors' | 'now'>,
  ids: IdBehaviour,
): number {
  if (cursor === null || position.floor !== null) return Number.NEGATIVE_INFINITY;
  if (ids === null) return Math.min(Date.parse(cursor), Date.parse(now)) - 24 * 3_600_000;
  return mirrors.length === 0 ? Date.parse(cursor) : Number.NEGATIVE_INFINITY;
}

function sameWords(a: string, b: string): boolean {
  return comparableText(a) === comparableText(b);
}

/**
 * Returns where to look first: the time of the action at the floor, or else of the newest known one. By the desk's
 * clock.
 */
function hintOf(met: readonly ObservedAction[], { floor }: Position): string | null {
  const at = met.find(({ externalId }) => externalId === floor)?.at;
  return at ?? newestInstant(met.map((action) => action.at));
}

function newestInstant(instants: readonly (string | undefined)[]): string | null {
  let newest: string | null = null;
  for (const instant of instants) {
    if (instant !== undefined && (newest === null || Date.parse(instant) > Date.parse(newest))) newest = instant;
  }
  return newest;
}

async function wasOpenedByUs(tx: Tx, { instance, entity, externalId }: Ref): Promise<boolean> {
  const found = await rows(
    tx,
    sql`select 1 as one from writes w join deliveries d on d.id = w.delivery and d.escalation and d.kind = 'action'
      where w.instance = ${instance} and w.entity = ${entity} and w.ticket = ${externalId} limit 1`,
  );
  return found.length > 0;
}
