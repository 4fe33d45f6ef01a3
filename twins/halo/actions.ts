/** Actions: one function creates all of them. The actor decides what is recorded and what is mailed. */
import { randomUUID } from 'node:crypto';
import { attachAll, attachmentView, withPictures } from './attachments.ts';
import { fieldViews, readFields } from './customfields.ts';
import type { Desk, Switches } from './desk.ts';
import { errorTexts, notFound, refused } from './errors.ts';
import type { Input } from './input.ts';
import { flagOf, listOf, textOf, wholeOf } from './input.ts';
import { mailAction, recipientOf, render } from './mail.ts';
import type { Action, Actor, Outcome, Ticket } from './model.ts';
import { webClient } from './model.ts';
import { cleaned, htmlOf, plainText } from './text.ts';
import { stampAfter } from './time.ts';
import { needStatus, setStatus } from './tickets.ts';
import { moveOn } from './workflow.ts';

const whoTypes = { system: 0, application: 1, agent: 1, user: 2 } as const;

/** How to create an action of a kind if something other than the kind decides. */
export interface Making {
  readonly kind: Outcome;
  readonly actor: Actor;
  readonly switches: Switches;
  /** Overrides whether it sends mail. If absent, the kind and the actor decide. */
  readonly mails?: boolean;
  /** True for the entry that logs the ticket itself. */
  readonly creation?: boolean;
  /** Overrides the status after the action. If absent, the body decides, or else the kind. */
  readonly status?: number;
  /** Other changes to the ticket that go with the action. */
  readonly change?: (ticket: Ticket, now: string) => void;
}

/** Adds an action to a ticket and applies what its kind implies. Throws a 400 if the action is not allowed. */
export function makeAction(desk: Desk, ticket: Ticket, input: Input, making: Making): Action {
  const { kind, actor } = making;
  const most = desk.profile.noteMaxBytes;
  if (most > 0 && Buffer.byteLength(textOf(input, 'note_html') ?? '') > most) throw refused('The note is too long');
  const to = mails(making, input) ? addressOf(desk, ticket, input) : null;
  const now = stampAfter(desk.now(), ticket.last_update);
  const action = newAction(desk, ticket, input, making, now);
  applyChanges(desk, ticket, action, input, making, now);
  if (making.creation !== true) moveOn(desk, ticket, kind);
  const pictures = attachAll(desk, ticket.id, action.id, listOf(input, 'attachments'));
  if (actor.by !== 'application') {
    action.note_html = withPictures(action.note_html, pictures);
    action.note = plainText(action.note_html);
  } else if (desk.profile.cleansHtml && action.note_html !== '') action.note_html = cleaned(action.note_html);
  if (to !== null) mailAction(desk, ticket, action, kind, to);
  else if (kind.systemuse === 'log_to_supplier' && action.emailbody_html === '') {
    action.emailbody_html = render(desk, kind.emailtemplate_id, ticket, action.note_html, action.who).body;
  }
  if (action.emailbody_html !== '') action.emailbody = plainText(action.emailbody_html);
  ticket.next_action = action.id + 1;
  ticket.last_update = now;
  ticket.lastactiondate = now;
  desk.store.saveAction(action);
  desk.store.saveTicket(ticket);
  return action;
}

function mails({ kind, actor, switches, mails: decided }: Making, input: Input): boolean {
  if (decided !== undefined) return decided;
  const silenced = switches.preventOutgoing || flagOf(input, 'sendemail') === false;
  if (!kind.sendemail || kind.systemuse === 'log_to_supplier' || silenced) return false;
  return actor.by === 'agent' || (actor.by === 'application' && kind.sendemail_via_api);
}

function addressOf(desk: Desk, ticket: Ticket, input: Input): string {
  const given = textOf(input, 'emailto') ?? '';
  if (given !== '') return given;
  const user = recipientOf(desk, ticket);
  if (user === null) throw refused('There is no email address to send this email to');
  return user.emailaddress;
}

function newAction(desk: Desk, ticket: Ticket, input: Input, { kind, actor, creation }: Making, now: string): Action {
  const text = textOf(input, 'note');
  const html = textOf(input, 'note_html') ?? htmlOf(text ?? '');
  const agentId = actor.by === 'application' || actor.by === 'agent' ? actor.agentId : 0;
  const who = actor.by === 'application' ? textOf(input, 'who') : undefined;
  const sync = wholeOf(input, 'sync_to_halo_api');
  return {
    id: ticket.next_action,
    ticket_id: ticket.id,
    outcome: kind.outcome,
    outcome_id: kind.id,
    note: text ?? plainText(html),
    note_html: html,
    emailbody: '',
    emailbody_html: textOf(input, 'emailbody_html') ?? '',
    hiddenfromuser: flagOf(input, 'hiddenfromuser') ?? kind.hidden,
    important: flagOf(input, 'important') ?? false,
    sendemail: false,
    emailto: '',
    emailcc: textOf(input, 'emailcc') ?? '',
    emailsubject: textOf(input, 'emailsubject') ?? '',
    who: who ?? (actor.by === 'system' ? 'System' : actor.name),
    who_type: whoTypes[actor.by],
    who_agentid: agentId,
    actionby_agent_id: agentId,
    actionby_user_id: actor.by === 'user' ? actor.userId : 0,
    actionby_application_id: actor.by === 'application' ? actor.application : actor.by === 'agent' ? webClient : '',
    third_party_who: textOf(input, 'third_party_who') ?? '',
    datetime: now,
    actiondatecreated: now,
    last_updated: now,
    guid: guidFor(desk, ticket, input),
    old_status: ticket.status_id,
    new_status: ticket.status_id,
    new_status_name: '',
    new_supplier_id: 0,
    new_supplier_ref: '',
    new_category1: '',
    new_priority: 0,
    new_agent: 0,
    new_team: '',
    customfields: {},
    sync_to_halo_api: sync === 0 || sync === 1 || sync === 2 ? sync : unchosen(kind, actor),
    senttoapisupplierid: wholeOf(input, 'senttoapisupplierid') ?? 0,
    senttoapiurl: textOf(input, 'senttoapiurl') ?? '',
    merged_from_ticketid: 0,
    merged_from_id: 0,
    issystem: actor.by === 'system',
    iscreation: creation === true,
  };
}

function guidFor(desk: Desk, ticket: Ticket, input: Input): string {
  const { keepsMarker, refusesDoubles } = desk.profile;
  const given = textOf(input, 'guid');
  if (given === undefined) return randomUUID();
  if (refusesDoubles && desk.store.actions(ticket.id).some(({ guid }) => guid === given))
    throw refused('An action with this guid already exists');
  return keepsMarker ? given : randomUUID();
}

/** Returns 0 for kinds that offer no choice, as the web client sends it. */
function unchosen(kind: Outcome, actor: Actor): 0 | null {
  return actor.by === 'agent' && kind.default_send_to_halo === 0 ? 0 : null;
}

/**
 * Applies changes of status, supplier, category, priority, agent, team and custom fields to the ticket, and records
 * them on the action.
 */
function applyChanges(desk: Desk, ticket: Ticket, action: Action, input: Input, making: Making, now: string): void {
  const { store } = desk;
  const status = making.status ?? given(input, 'new_status') ?? making.kind.newstatus;
  if (status > 0) setStatus(desk, ticket, needStatus(desk, ticket, status), now);
  action.new_status = ticket.status_id;
  action.new_status_name = store.find('status', ticket.status_id)?.name ?? '';
  const supplier = given(input, 'new_supplier_id');
  if (supplier !== undefined) {
    if (store.find('supplier', supplier) === null) throw refused(`Supplier ${supplier} does not exist`);
    action.new_supplier_id = ticket.supplier_id = supplier;
  }
  const reference = textOf(input, 'new_supplier_ref');
  if (reference !== undefined) action.new_supplier_ref = ticket.supplier_reference = reference;
  const category = textOf(input, 'new_category1') ?? '';
  if (category !== '') {
    const found = store.named('category', category);
    if (found === null) throw refused(`Category ${category} does not exist`);
    action.new_category1 = ticket.category_1 = found.value;
  }
  const priority = given(input, 'new_priority');
  if (priority !== undefined) {
    if (store.find('priority', priority) === null) throw refused(`Priority ${priority} does not exist`);
    action.new_priority = ticket.priority_id = priority;
  }
  const agent = given(input, 'new_agent');
  if (agent !== undefined) action.new_agent = ticket.agent_id = agent;
  const team = textOf(input, 'new_team') ?? '';
  if (team !== '') action.new_team = ticket.team = team;
  action.customfields = readFields(store, listOf(input, 'customfields'), making.actor.by !== 'application');
  Object.assign(ticket.customfields, action.customfields);
  making.change?.(ticket, now);
}

function given(input: Input, key: string): number | undefined {
  const value = wholeOf(input, key);
  return value !== undefined && value > 0 ? value : undefined;
}

/** Changes an action's text, as an edit does; its id, time and author stay. */
export function editAction(desk: Desk, ticket: Ticket, action: Action, input: Input): Action {
  const now = stampAfter(desk.now(), ticket.last_update);
  const html = textOf(input, 'note_html');
  const text = textOf(input, 'note');
  if (html !== undefined || text !== undefined) {
    action.note_html = html ?? htmlOf(text ?? '');
    action.note = text ?? plainText(action.note_html);
  }
  action.hiddenfromuser = flagOf(input, 'hiddenfromuser') ?? action.hiddenfromuser;
  for (const key of ['who', 'third_party_who', 'senttoapiurl', 'guid'] as const) {
    action[key] = textOf(input, key) ?? action[key];
  }
  attachAll(desk, ticket.id, action.id, listOf(input, 'attachments'));
  action.last_updated = now;
  ticket.last_update = now;
  desk.store.saveAction(action);
  desk.store.saveTicket(ticket);
  return action;
}

/** Returns the action, which must exist. Throws Halo's refusal if no ticket is named. */
export function needAction(desk: Desk, ticketId: number | undefined, id: number): Action {
  if (ticketId === undefined || ticketId <= 0) throw refused(errorTexts.noTicket);
  const action = desk.store.action(ticketId, id);
  if (action === null) throw notFound(`Action ${id} of ticket ${ticketId}`);
  return action;
}

export interface ActionParts {
  readonly html: boolean;
  readonly email: boolean;
  readonly attachments: boolean;
}

/** Builds an action as Halo shows it. */
export function actionView(desk: Desk, action: Action, parts: ActionParts): Input {
  const { note_html, emailbody_html, customfields, ...rest } = action;
  const attachments = desk.store.attachments(action.ticket_id, action.id);
  return {
    ...rest,
    attachment_count: attachments.length,
    customfields: fieldViews(desk.store, customfields, true),
    ...(parts.html ? { note_html } : {}),
    ...(parts.email ? { emailbody_html } : {}),
    ...(parts.attachments ? { attachments: attachments.map(attachmentView) } : {}),
  };
}
