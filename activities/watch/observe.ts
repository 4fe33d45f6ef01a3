/** The only reader of tickets: reads a ticket, then logs all of its unseen actions. */
import { Readable } from 'node:stream';
import { beginOf, doubtOf, isPassed, type From } from '#core/log/position.ts';
import type { ObservedAction, Reading } from '#core/words/desk.ts';
import type { Attachment, Ref, TicketSnapshot } from '#core/words/vocabulary.ts';
import type { Staged } from '#blobs/store.ts';
import type { Tx } from '#db/base/client.ts';
import { markUnused } from '#db/log/attachments.ts';
import { scheduleHint } from '#db/log/claim-hints.ts';
import type { LockedTicket, TicketRead } from '#db/log/locked-ticket.ts';
import { logReading, readFrom, type LogReadingInput, type LogReadingResult } from '#db/log/log-reading.ts';
import { followMerge, lastSnapshot } from '#db/log/ticket-life.ts';
import { seenAgain } from '#db/operate/missing.ts';
import { notThere } from './missing.ts';
import type { DrivenDesk, WorkDeps } from '#activities/deps.ts';
import { memoised } from '#activities/desk/memo.ts';
import type { Texts } from '#text-worker/texts.ts';

const kept = { most: 2_000, longest: 8_000 };

type Reads = Pick<Texts, 'note' | 'html'>;
const remembering = new WeakMap<Texts, Reads>();

/** Memoises the conversions of texts that are read repeatedly. */
function memo(texts: Texts): Reads {
  const known = remembering.get(texts);
  if (known !== undefined) return known;
  const reads = {
    note: memoised((html: string) => texts.note(html), kept),
    html: memoised((html: string) => texts.html(html), kept),
  };
  remembering.set(texts, reads);
  return reads;
}

/** Delay before a ticket is read again if a write of ours was open at the first read. Milliseconds. */
const readAgainMs = 500;
/**
 * Delay before a ticket is read again if it waits for its link to be resumed (which reads it at once anyway), or for
 * the search for lost writes. Milliseconds.
 */
const forgottenMs = { quarantined: 60_000, looking: 3_000 } as const;

/** `from`: where the read begins, if that was determined recently; otherwise it is asked now. */
export async function observe(deps: WorkDeps, ticket: Ref, signal: AbortSignal, from?: From): Promise<void> {
  const desk = await deps.desks.of(ticket.instance);
  const begin = from ?? (await readFrom(deps.db, ticket));
  const { reading, ...when } = await read(desk, ticket.externalId, begin, signal);
  if (reading.kind === 'gone') {
    await notThere(deps, desk, ticket, signal);
    return;
  }
  if (begin.isMissing) deps.wake(await deps.db.transaction((tx) => seenAgain(tx, ticket, desk.name)));
  if (reading.kind === 'merged') {
    deps.wake(await follow(deps, desk, ticket, reading));
    await scheduleHint(deps.db, { ...ticket, externalId: reading.into }, 0);
    deps.bells.hints.ring();
    return;
  }
  const { snapshot, actions } = await understand(deps, reading);
  const shown = ticketRead(ticket, actions);
  const { mark, others } = reading;
  const made = actions.map((action) => action.made ?? action.at);
  if (looksOld(actions, begin) && (await deps.nothingNew({ ...shown, snapshot, made, mark }))) return;
  const result = await deps.together(shown, (tx, locked) =>
    logReading(tx, deps.cache, { ref: ticket, snapshot, actions, mark, others, ...when, ...clockOf(desk) }, locked),
  );
  deps.wake(result.wake);
  if (result.edited.length > 0)
    deps.log.info(
      { instance: ticket.instance, ticket: ticket.externalId, actions: result.edited },
      'notes were edited at their desk after they were read; edits are not carried',
    );
  if (result.readAgain) {
    await scheduleHint(deps.db, ticket, result.forgotten === null ? readAgainMs : forgottenMs[result.forgotten]);
    deps.bells.hints.ring();
  }
}

/** Follows a merge. Notes written before it that nobody has read still go where they were meant to go. */
async function follow(
  deps: WorkDeps,
  desk: DrivenDesk,
  ticket: Ref,
  { into, notes = [] }: Extract<Reading, { kind: 'merged' }>,
): Promise<readonly string[]> {
  const said: ObservedAction[] = [];
  for (const action of notes) said.push(await understandAction(deps, action));
  return deps.db.transaction(async (tx) => {
    const snapshot = said.length === 0 ? null : await lastSnapshot(tx, ticket);
    const logged =
      snapshot === null
        ? null
        : await logReading(tx, deps.cache, { ref: ticket, snapshot, actions: said, ...clockOf(desk) });
    return [...(logged?.wake ?? []), ...(await followMerge(tx, ticket, desk.name, into))];
  });
}

export type ReadBack =
  | {
      readonly kind: 'ticket';
      readonly snapshot: TicketSnapshot;
      readonly actions: readonly ObservedAction[];
      /** Logs the reading in the caller's transaction, so that it commits together with the outcome. */
      log(tx: Tx, own: Pick<LogReadingInput, 'first' | 'made'>, locked?: LockedTicket): Promise<LogReadingResult>;
      readonly read: TicketRead;
    }
  | { readonly kind: 'merged'; readonly into: string }
  | { readonly kind: 'gone' };

/** Reads the ticket after our own write. */
export async function readBack(
  deps: WorkDeps,
  desk: DrivenDesk,
  ticket: Ref,
  from: From,
  created: boolean,
  signal: AbortSignal,
): Promise<ReadBack> {
  const { reading, ...when } = await read(desk, ticket.externalId, from, signal);
  if (reading.kind !== 'ticket') return reading;
  const { snapshot, actions } = await understand(deps, reading);
  const { mark, others } = reading;
  return {
    kind: 'ticket',
    snapshot,
    actions,
    read: ticketRead(ticket, actions),
    log: (tx, own, locked) =>
      logReading(
        tx,
        deps.cache,
        { ref: ticket, snapshot, actions, mark, others, ...when, created, ...clockOf(desk), ...own },
        locked,
      ),
  };
}

/** Reads from the position on, and the whole ticket if that may have missed something. */
async function read(
  { helpdesk }: DrivenDesk,
  ticketId: string,
  from: From,
  signal: AbortSignal,
): Promise<{ readonly reading: Reading } & Pick<LogReadingInput, 'readAt' | 'begunAt' | 'isWhole' | 'after'>> {
  const { ids = null, overlapMs } = helpdesk.traits;
  const { since, after } = beginOf(ids, from, overlapMs);
  let begunAt = nowOf(from);
  const near = await helpdesk.read(ticketId, since, signal, after ?? undefined);
  const wasWhole = (since === null && after === null) || (near.kind === 'ticket' && near.isWhole === true);
  const shown =
    near.kind === 'ticket'
      ? { ids: [...near.actions.map(idOf), ...(near.others ?? [])], mark: near.mark ?? null }
      : null;
  const again = !wasWhole && shown !== null && doubtOf(ids, from, shown) !== null;
  if (again) begunAt = nowOf(from);
  const reading = again ? await helpdesk.read(ticketId, null, signal) : near;
  const isWhole = wasWhole || again;
  return {
    reading,
    readAt: nowOf(from) ?? new Date().toISOString(),
    begunAt,
    isWhole,
    after: isWhole ? null : from.floor,
  };
}

/** Returns the current time by the database's clock, as derived from when it was asked. */
function nowOf({ asked }: From): string | undefined {
  if (asked === undefined) return undefined;
  return new Date(Date.parse(asked.at) + performance.now() - asked.steadyMs).toISOString();
}

function idOf({ externalId }: ObservedAction): string {
  return externalId;
}

/** Returns the properties of a desk's clock and ids that logging a reading needs. */
function clockOf({
  helpdesk,
  clock,
}: DrivenDesk): Pick<LogReadingInput, 'settleMs' | 'ids' | 'lateMs' | 'clockOffsetMs'> {
  const { settleMs, ids = null, overlapMs } = helpdesk.traits;
  return { settleMs, ids, lateMs: overlapMs, clockOffsetMs: clock?.offsetMs() ?? null };
}

function ticketRead(ref: Ref, actions: readonly ObservedAction[]): TicketRead {
  return { ref, externalIds: actions.map((action) => action.externalId) };
}

/**
 * Tells whether all ids are at or below the highest one seen before; only then is it worth asking whether all are
 * known.
 */
function looksOld(actions: readonly ObservedAction[], { floor, high }: From): boolean {
  return actions.every(({ externalId }) => isPassed({ floor: high?.id ?? floor }, externalId));
}

/** Sanitises the notes; images embedded in a note become attachments. */
async function understand(
  deps: WorkDeps,
  reading: Extract<Reading, { kind: 'ticket' }>,
): Promise<{ snapshot: TicketSnapshot; actions: ObservedAction[] }> {
  const actions: ObservedAction[] = [];
  for (const action of reading.actions) actions.push(await understandAction(deps, action));
  const description = await memo(deps.texts).html(reading.snapshot.description);
  return { snapshot: { ...reading.snapshot, description }, actions };
}

async function understandAction(deps: WorkDeps, action: ObservedAction): Promise<ObservedAction> {
  if (action.note === null) return action;
  const { html, dataImages, whole } = await memo(deps.texts).note(action.note);
  const attachments: Attachment[] = [...action.attachments];
  const put = async (source: Buffer): Promise<Staged> => {
    const staged = await deps.blobs.put(Readable.from([source]), deps.limits.attachmentBytes);
    // Nothing refers to it yet, and perhaps nothing will; that is checked in an hour.
    await markUnused(deps.db, [staged.sha256]);
    return staged;
  };
  for (const image of dataImages) {
    const staged = await put(Buffer.from(image.base64, 'base64'));
    const extension = image.type.replace(/^image\//, '').split(/\W/, 1)[0] ?? '';
    attachments.push({ id: image.id, name: `${image.id}.${extension}`, type: image.type, inline: true, ...staged });
  }
  if (whole !== null) {
    const staged = await put(Buffer.from(whole.text));
    attachments.push({ id: whole.name, name: whole.name, type: whole.type, inline: false, ...staged });
  }
  return { ...action, note: html, attachments };
}
