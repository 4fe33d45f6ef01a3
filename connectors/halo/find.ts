/** Looks for a write in doubt, by what it left: its marker where Halo keeps one, else the state it set. */
import type { Step, Written } from '#core/words/desk.ts';
import type { Command, FieldValue } from '#core/words/vocabulary.ts';
import { comparableText, fieldFingerprint, noteFingerprint } from '#core/text/fingerprint.ts';
import { isOurs, listFiles } from './attachments.ts';
import { byName, same } from './catalogue.ts';
import type { Call, HaloClient } from './client.ts';
import { valueFrom, valueTo } from './fields.ts';
import { guidOf, isForeign } from './marker.ts';
import { htmlOf } from './html.ts';
import { getTicket, listActions } from './read.ts';
import type { Desk } from './read.ts';
import { haloInstant, shifted, instantOf } from './time.ts';
import { ticketList } from './wire.ts';
import type { HaloAction, Ticket } from './wire.ts';
import { opened } from './write.ts';

const pageSize = 200;
const mostPages = 100;

/** `after`: by Ferry's clock; `skewMs` is how far Halo's may be behind it. */
export async function findStep(
  desk: Desk,
  step: Step,
  marker: string,
  after: string,
  skewMs: number,
  call: Call,
): Promise<Written | null> {
  const since = shifted(after, -skewMs);
  const { command, name } = step;
  if (name === 'open') {
    const found = await findTicket(desk.client, marker, since, call);
    return found === null ? null : opened(found, desk.client.baseUrl);
  }
  const ticketId = command.ticketId ?? '';
  const written: Written = { ticketId, actionIds: [] };
  if (name === 'all') return findAction(desk, ticketId, step, marker, since, call);
  if (name === 'attachment') {
    const files = await listFiles(desk.client, ticketId, call);
    return files.some((one) => isOurs(one, marker)) ? written : null;
  }
  const ticket = await getTicket(desk.client, ticketId, call);
  const done = name === 'content' ? isDescribed(ticket, command) : await isSo(desk, ticket, command, call);
  return done ? written : null;
}

async function findTicket(client: HaloClient, marker: string, since: string, call: Call): Promise<Ticket | null> {
  for (let page = 1; page <= mostPages; page++) {
    const query = {
      datesearch: 'dateoccurred',
      startdate: haloInstant(since),
      order: 'id',
      orderdesc: true,
      pageinate: true,
      page_size: pageSize,
      page_no: page,
      nocache: true,
    };
    const what = { ...call, what: 'Looking for a ticket that may have been opened' };
    const { tickets } = await client.get('Tickets', query, ticketList, what);
    for (const ticket of tickets) {
      if ((instantOf(ticket.dateoccurred) ?? since) < since) continue;
      // A list may leave the field out; then the ticket itself is asked.
      const whole =
        ticket.third_party_id_string === undefined ? await getTicket(client, String(ticket.id), call) : ticket;
      if (whole.third_party_id_string === marker) return whole;
    }
    if (tickets.length < pageSize) return null;
  }
  return null;
}

/** By its UUID; where Halo lost that, by our identity and the text, since no other write of ours was open. */
async function findAction(
  desk: Desk,
  ticketId: string,
  step: Step,
  marker: string,
  since: string,
  call: Call,
): Promise<Written | null> {
  const actions = await listActions(desk.client, ticketId, since, call);
  const guid = guidOf(marker);
  const ownAgent = await desk.identity.agentId(actions, call);
  const { note, visibility } = step.command;
  const wanted = noteFingerprint(note ?? '', visibility);
  const isIt = (one: HaloAction): boolean =>
    desk.identity.isOurs(one, ownAgent) &&
    isForeign(one.guid ?? '') &&
    noteFingerprint(one.note_html ?? htmlOf(one.note ?? ''), visibility) === wanted;
  const found = actions.find((one) => one.guid?.toLowerCase() === guid) ?? actions.find(isIt);
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
  if (priority !== undefined && priority !== null && byName(words.priorities, priority)?.id !== ticket.priority_id)
    return false;
  if (category !== undefined && !same(category ?? '', ticket.category_1 ?? '')) return false;
  if (summary !== undefined && summary !== ticket.summary) return false;
  if (reference !== undefined && (reference?.number ?? '') !== (ticket.supplier_reference ?? '')) return false;
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
