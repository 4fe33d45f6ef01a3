/** What a desk's pages would show, as plain text for a terminal: `/twin` addresses with `?as=text`. */
import type { ActionSeen, AttachmentSeen, PortalTicket, TicketSeen } from './client.ts';
import type { Mail } from './mail.ts';
import { plainText } from './text.ts';

const indent = ' '.repeat(7);

/** Renders a ticket with its timeline, oldest action first. */
export function ticketText(ticket: TicketSeen): string {
  const { supplier_name: supplier, supplier_reference: reference } = ticket;
  const fields = ticket.customfields.filter(({ display }) => display !== '');
  return page([
    heading(ticket.id, ticket.summary),
    inner(joined([ticket.status_name, ticket.tickettype_name, ticket.priority_name, ticket.category_1])),
    inner(`for ${ticket.user_name || 'nobody'}${ticket.client_name === '' ? '' : ` (${ticket.client_name})`}`),
    inner(joined(fields.map(({ label, display }) => `${label}: ${display}`))),
    ...(supplier === '' ? [] : [inner(`with ${supplier}${reference === '' ? '' : `, their number ${reference}`}`)]),
    ...quoted(plainText(ticket.details_html)),
    ...files(ticket.attachments.filter(({ action_id }) => action_id === 0)),
    ...ticket.actions.flatMap((action) => actionLines(action, action.hiddenfromuser, action.note)),
  ]);
}

/** Renders tickets one after the other. */
export function ticketsText(tickets: readonly TicketSeen[]): string {
  return tickets.length === 0 ? 'No such ticket.\n' : tickets.map(ticketText).join('\n');
}

/** Renders what an end user sees of a ticket. */
export function portalText(ticket: PortalTicket): string {
  return page([
    heading(ticket.id, ticket.summary),
    inner(ticket.status),
    ...quoted(plainText(ticket.details_html)),
    ...files(ticket.attachments),
    ...ticket.actions.flatMap((action) => actionLines(action, false, plainText(action.note_html))),
  ]);
}

/** Renders the outbox, oldest mail first. */
export function outboxText(mails: readonly Mail[]): string {
  if (mails.length === 0) return 'No mail.\n';
  return mails
    .map(({ id, ticket_id, from, to, subject, body_html, sent }) =>
      page([
        heading(id, `${time(sent)}  ${from} to ${to}, about ticket ${ticket_id}`),
        inner(subject),
        ...quoted(plainText(body_html)),
      ]),
    )
    .join('\n');
}

type Spoken = Pick<ActionSeen, 'id' | 'who' | 'outcome' | 'datetime' | 'attachments'>;

function actionLines({ id, who, outcome, datetime, attachments }: Spoken, isHidden: boolean, note: string): string[] {
  return [
    heading(id, `${time(datetime)}  ${who}: ${outcome}${isHidden ? ' (hidden from the user)' : ''}`),
    ...quoted(note),
    ...files(attachments),
  ];
}

function heading(id: number, words: string): string {
  return `${String(id).padStart(5)}  ${oneLine(words)}`;
}

function inner(words: string): string {
  return words === '' ? '' : `${indent}${oneLine(words)}`;
}

function quoted(text: string): string[] {
  if (text === '') return [];
  return text
    .replaceAll(/\n{3,}/g, '\n\n')
    .split('\n')
    .map((line) => `${indent}| ${visible(line)}`.trimEnd());
}

function files(attachments: readonly AttachmentSeen[]): string[] {
  return attachments.map(({ filename, filesize }) => inner(`file ${filename}, ${filesize} bytes`));
}

function joined(words: readonly string[]): string {
  return words.filter((word) => word !== '').join(' · ');
}

/** `2026-11-21 09:30:00Z` */
function time(stamp: string): string {
  return `${stamp.slice(0, 19).replace('T', ' ')}Z`;
}

function page(lines: readonly string[]): string {
  return `${lines.filter((line) => line !== '').join('\n')}\n`;
}

function oneLine(text: string): string {
  return visible(text.replaceAll(/\s+/g, ' '));
}

/** Removes control characters, so that a text cannot control the terminal. */
function visible(text: string): string {
  // eslint-disable-next-line no-control-regex -- they are what this is about
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
