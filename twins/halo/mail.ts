/** The outbox: every mail that this desk would send is kept instead. */
import type { Desk } from './desk.ts';
import type { Agent, Action, Outcome, Ticket, User } from './model.ts';
import { fill } from './text.ts';
import { zoneless } from './time.ts';

export interface Mail {
  readonly id: number;
  readonly ticket_id: number;
  readonly action_id: number;
  readonly from: string;
  readonly to: string;
  readonly cc: string;
  readonly subject: string;
  readonly body_html: string;
  readonly template: string;
  readonly sent: string;
}

/** Returns the end user who gets a ticket's mail, or null if nobody can. */
export function recipientOf(desk: Desk, ticket: Ticket): User | null {
  const user = desk.store.find('user', ticket.user_id);
  return user === null || user.emailaddress === '' ? null : user;
}

/**
 * Renders subject and body of the action kind's template for this ticket, or the note alone if there is no template.
 */
export function render(
  desk: Desk,
  templateId: number,
  ticket: Ticket,
  noteHtml: string,
  agentName: string,
): { subject: string; body: string; template: string } {
  const template = desk.store.find('template', templateId);
  const words = {
    note: noteHtml,
    summary: ticket.summary,
    details: ticket.details_html,
    ticketid: String(ticket.id).padStart(7, '0'),
    username: desk.store.find('user', ticket.user_id)?.name ?? '',
    agent: agentName,
  };
  const subject = fill(template?.subject ?? '$summary [ID:$ticketid]', words);
  return { subject, body: fill(template?.body ?? '$note', words), template: template?.name ?? '' };
}

/** Puts a mail into the outbox. */
export function post(desk: Desk, mail: Omit<Mail, 'id' | 'from' | 'sent'>): Mail {
  const id = desk.store.nextNumber('mail', 1);
  const whole: Mail = { id, from: desk.mailbox, sent: zoneless(desk.now()), ...mail };
  desk.store.run('insert into mails values (?, ?, ?)', id, mail.ticket_id, JSON.stringify(whole));
  return whole;
}

/** Sends the mail of an action whose kind sends mail. The action records what was sent. */
export function mailAction(desk: Desk, ticket: Ticket, action: Action, kind: Outcome, to: string): void {
  const rendered = render(desk, kind.emailtemplate_id, ticket, action.note_html, action.who);
  action.emailto = to;
  if (action.emailsubject === '') action.emailsubject = rendered.subject;
  if (action.emailbody_html === '') action.emailbody_html = rendered.body;
  action.sendemail = true;
  post(desk, {
    ticket_id: ticket.id,
    action_id: action.id,
    to,
    cc: action.emailcc,
    subject: action.emailsubject,
    body_html: action.emailbody_html,
    template: rendered.template,
  });
}

/** Mails the acknowledgement of a new ticket, if its user can get mail. */
export function acknowledge(desk: Desk, ticket: Ticket, agent: Agent | null): void {
  const user = recipientOf(desk, ticket);
  const template = desk.store.named('template', 'Acknowledgement');
  if (user === null || template === null) return;
  const rendered = render(desk, template.id, ticket, '', agent?.name ?? desk.name);
  const { subject, body } = rendered;
  const to = user.emailaddress;
  post(desk, {
    ticket_id: ticket.id,
    action_id: 0,
    to,
    cc: '',
    subject,
    body_html: body,
    template: template.name,
  });
}

/** Returns all mails, oldest first. */
export function outbox(desk: Desk): Mail[] {
  return desk.store.all('select body from mails order by id').map((row) => JSON.parse(String(row.body)) as Mail);
}
