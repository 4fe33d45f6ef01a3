/** Looks for a write in doubt, by what it left: its marker where Halo keeps one, else the state it set. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { lookBack } from '#connectors/kit/overlap.ts';
import type { Step, Written } from '#core/words/desk.ts';
import type { Command, FieldValue } from '#core/words/vocabulary.ts';
import { comparableText, fieldFingerprint, noteFingerprint } from '#core/text/fingerprint.ts';
import { listActions } from './actions.ts';
import { isOurs, listFiles } from './attachments.ts';
import { byName, same } from './catalogue.ts';
import type { Call } from './call.ts';
import type { HaloClient } from './client.ts';
import { valueFrom, valueTo } from './fields.ts';
import { guidOf, isForeign } from './marker.ts';
import { htmlOf } from './html.ts';
import { pagesOf } from './pages.ts';
import { getTicket, ticketIfThere } from './read.ts';
import type { Desk } from './read.ts';
import { instantOf } from './time.ts';
import { ticketRow } from './wire.ts';
import type { HaloAction, Ticket, TicketRow } from './wire.ts';
import { opened, supplierReferenceOf } from './write.ts';

export type Finding = Desk & {
  /** How long after a creation without an answer the ticket may still show up. Milliseconds. */
  readonly readableAfterMs: number;
  /** Ferry's clock, milliseconds. */
  readonly now: () => number;
};

export type Sought = {
  readonly marker: string;
  /** Instant by Ferry's clock before which it can't have happened; Halo's clock may be slower by the overlap. */
  readonly after: string;
  /** Ids of actions that are somebody else's. */
  readonly others?: ReadonlySet<string> | undefined;
  /** How far Halo's clock is ahead of ours, as measured. Milliseconds. */
  readonly clockOffsetMs?: number | undefined;
};

export async function findStep(desk: Finding, step: Step, sought: Sought, call: Call): Promise<Written | null> {
  const { marker, after, others, clockOffsetMs = 0 } = sought;
  const since = lookBack(after, desk.overlapMs, clockOffsetMs);
  const { command, name } = step;
  if (name === 'open') {
    const found = await findTicket(desk.client, command.open?.summary ?? '', marker, since, call);
    if (found !== null) return opened(found, desk.client.baseUrl);
    return surelyAbsent(after, desk);
  }
  const ticketId = command.ticketId ?? '';
  const written: Written = { ticketId, actionIds: [] };
  if (name === 'all') return findAction(desk, ticketId, step, { marker, after: since, others }, call);
  if (name === 'attachment') {
    // A picture shows in no list; one that nobody shows harms nobody, so it is written again.
    if (command.attachments.every((file) => file.inline)) return null;
    const files = await listFiles(desk.client, ticketId, call);
    return files.some((one) => isOurs(one, marker)) ? written : null;
  }
  const ticket = await getTicket(desk.client, ticketId, call);
  const done = name === 'content' ? isDescribed(ticket, command) : await isSo(desk, ticket, command, call);
  return done ? written : null;
}

/**
 * Halo may show a new ticket only minutes after it was made, and a second one is worse than a late one.
 * Throws `retry` until it is surely not there.
 */
function surelyAbsent(after: string, { readableAfterMs, now }: Finding): null {
  const leftMs = Date.parse(after) + readableAfterMs - now();
  if (leftMs <= 0) return null;
  const minutes = Math.ceil(leftMs / 60_000);
  const message = `Halo gave no answer when a ticket was opened, and does not show it yet. In ${minutes} min it is surely not there, and is opened again.`;
  throw new HelpdeskError('retry', 'may-show-later', message, { retryAfterMs: leftMs });
}

/** Lists leave the marker out, so the tickets themselves are asked: those of the same summary first, then all others. */
async function findTicket(
  client: HaloClient,
  summary: string,
  marker: string,
  since: string,
  call: Call,
): Promise<Ticket | null> {
  const what = { ...call, what: 'Looking for a ticket that may have been opened' };
  const query = { ...client.ways.loggedSince(since), order: 'id', orderdesc: true };
  const others: TicketRow[] = [];
  for await (const { rows } of pagesOf(client, { path: 'Tickets', key: 'tickets', query, row: ticketRow }, what)) {
    const recent = rows.filter(({ dateoccurred }) => (instantOf(dateoccurred) ?? since) >= since);
    for (const row of recent) {
      if (comparableText(row.summary ?? '') !== comparableText(summary)) others.push(row);
      else {
        const found = await ifMarked(client, row, marker, what);
        if (found !== null) return found;
      }
    }
    // Newest numbers first: what follows is older still.
    const isOrdered = rows.every(({ id }, index) => id <= (rows[index - 1]?.id ?? id));
    if (isOrdered && recent.length === 0) break;
  }
  for (const row of others) {
    const found = await ifMarked(client, row, marker, what);
    if (found !== null) return found;
  }
  return null;
}

async function ifMarked(client: HaloClient, row: TicketRow, marker: string, call: Call): Promise<Ticket | null> {
  const listed = row.third_party_id_string ?? '';
  if (listed !== '' && listed !== marker) return null;
  const ticket = await ticketIfThere(client, String(row.id), call).catch((error: unknown) => {
    // One that we may not see is none of ours.
    if (error instanceof HelpdeskError && error.code === 'forbidden') return null;
    throw error;
  });
  return ticket?.third_party_id_string === marker ? ticket : null;
}

/** By its UUID; where Halo lost that, by our identity and the text, since no other write of ours was open. */
async function findAction(
  desk: Desk,
  ticketId: string,
  step: Step,
  { marker, after: since, others }: Sought,
  call: Call,
): Promise<Written | null> {
  const actions = await listActions(desk.client, ticketId, since, call);
  const guid = guidOf(marker);
  const { keepsMarker } = desk.client.ways;
  const ownAgent = await desk.identity.agentId(call);
  const { note, visibility } = step.command;
  const wanted = noteFingerprint(note ?? '', visibility);
  const isIt = (one: HaloAction): boolean =>
    desk.identity.isOurs(one, ownAgent) &&
    (!keepsMarker || isForeign(one.guid ?? '')) &&
    others?.has(String(one.id)) !== true &&
    noteFingerprint(one.note_html ?? htmlOf(one.note ?? ''), visibility) === wanted;
  const marked = keepsMarker ? actions.find((one) => one.guid?.toLowerCase() === guid) : undefined;
  if (marked !== undefined) desk.identity.learn(marked);
  const found = marked ?? actions.find(isIt);
  return found === undefined ? null : { ticketId, actionIds: [String(found.id)] };
}

function isDescribed(ticket: Ticket, { note, attachments }: Command): boolean {
  const now = ticket.details_html ?? '';
  const shown = now.match(/\/api\/attachment\//gi)?.length ?? 0;
  return (
    comparableText(now) === comparableText(note ?? '') && shown >= attachments.filter(({ inline }) => inline).length
  );
}

/** Whether the ticket already is as the command asks; then it does not matter who made it so. */
async function isSo(desk: Desk, ticket: Ticket, command: Command, call: Call): Promise<boolean> {
  const words = await desk.glossary.words(call);
  const { status, priority, category, summary, supplierReference: reference } = command;
  if (status !== undefined && byName(words.statuses, status)?.id !== ticket.status_id) return false;
  if (priority !== undefined && priority !== null) {
    const ids = words.priorities.filter(({ name }) => same(name, priority)).map(({ id }) => id);
    if (!ids.includes(ticket.priority_id ?? 0)) return false;
  }
  if (category !== undefined && !same(category ?? '', ticket.category_1 ?? '')) return false;
  if (summary !== undefined && summary !== ticket.summary) return false;
  if (reference !== undefined && supplierReferenceOf(reference) !== (ticket.supplier_reference ?? '')) return false;
  return Object.entries(command.fields).every(([name, value]) => {
    const field = byName(words.fields, name);
    if (field === undefined) return true;
    const now = ticket.customfields?.find(({ id }) => id === field.id)?.value;
    return (
      fieldFingerprint(name, valueFrom(field, now)) ===
      fieldFingerprint(name, valueFrom(field, valueTo(field, value as FieldValue)))
    );
  });
}
