/** What people do on the desk's own pages: agents with action kinds, end users in the portal. */
import type { Making } from './actions.ts';
import { fieldOf } from './customfields.ts';
import type { Desk } from './desk.ts';
import { noSwitches } from './desk.ts';
import { errorTexts, notFound, refused } from './errors.ts';
import type { Input } from './input.ts';
import { isInput, textOf, wholeOf } from './input.ts';
import type { Action, Actor, RecordKind, Ticket, User } from './model.ts';
import { act, editTicket, logTicket } from './operations.ts';
import { isClosed, needTicket, writeFields } from './tickets.ts';
import { needKind } from './workflow.ts';

/** Finds the agent with this name (or e-mail address). */
export function agentActor(desk: Desk, name: string): Actor {
  const wanted = name.toLowerCase();
  const agents = desk.store.list('agent');
  const agent = agents.find((one) => one.name.toLowerCase() === wanted || one.email.toLowerCase() === wanted);
  if (agent === undefined) throw notFound(`Agent ${name}`);
  return { by: 'agent', agentId: agent.id, name: agent.name };
}

/** Finds the end user with this e-mail address. */
export function needUser(desk: Desk, email: string): User {
  const user = desk.store.named('user', email);
  if (user === null) throw notFound(`User ${email}`);
  return user;
}

/**
 * Lets an agent use an action kind:
 * `{outcome, note_html | note, status, fields, attachments, supplier | supplier_id, hidden, sync_to_halo_api, …}`.
 * Fields, statuses and people are given by name or id.
 */
export function agentActs(desk: Desk, agentName: string, ticketId: number, body: Input): Action {
  const actor = agentActor(desk, agentName);
  const ticket = needTicket(desk, ticketId);
  const kind = needKind(desk, ticket, wholeOf(body, 'outcome_id') ?? wholeOf(body, 'outcome'), textOf(body, 'outcome'));
  const supplierId = recordId(desk, 'supplier', body.supplier_id ?? body.supplier);
  if (kind.systemuse === 'log_to_supplier') {
    if (supplierId === undefined) throw refused('Supplier is required');
    if (ticket.supplier_reference !== '')
      throw refused(
        errorTexts.noTicket,
        `ticket ${ticketId} has been escalated already, the supplier's number is ${ticket.supplier_reference}`,
      );
  }
  const fields = isInput(body.fields) ? body.fields : {};
  const form = formOf(desk, fields);
  const status = recordId(desk, 'status', body.status ?? body.status_id ?? form.status_id);
  const input: Input = {
    ...body,
    ...(body.hidden === undefined ? {} : { hiddenfromuser: body.hidden }),
    new_supplier_id: supplierId,
    new_category1: form.category_1 ?? body.category,
    new_priority: form.priority_id ?? recordId(desk, 'priority', body.priority),
    new_agent: form.agent_id,
    new_team: form.team,
    customfields: form.customfields,
  };
  const change: Making['change'] = (row, now) => {
    const { summary, tickettype_id, startdate, targetdate } = form;
    writeFields(desk, row, { summary, tickettype_id, startdate, targetdate }, now, true);
  };
  return act(desk, ticketId, input, actor, noSwitches, {
    kind,
    change,
    ...(status === undefined ? {} : { status }),
  });
}

/** Lets an agent log a ticket, for `user` (an e-mail address) if one is named. */
export function agentLogs(desk: Desk, agentName: string, body: Input): Ticket {
  const email = textOf(body, 'user');
  const user = email === undefined ? {} : { user_id: needUser(desk, email).id };
  return logTicket(desk, { ...ticketForm(desk, body), ...user }, agentActor(desk, agentName), noSwitches);
}

/** Lets an end user log a ticket in the portal. */
export function userLogs(desk: Desk, email: string, body: Input): Ticket {
  const user = needUser(desk, email);
  const actor: Actor = { by: 'user', userId: user.id, name: user.name };
  return logTicket(desk, { ...ticketForm(desk, body), user_id: user.id }, actor, noSwitches);
}

/**
 * Lets an end user reply in the portal. A closed ticket opens again; an open one gets the status that its type has for
 * replies.
 */
export function userReplies(desk: Desk, email: string, ticketId: number, body: Input): Action {
  const user = needUser(desk, email);
  const ticket = needTicket(desk, ticketId);
  if (ticket.user_id !== user.id) throw notFound(`Ticket ${ticketId}`);
  const kind = desk.store.list('outcome').find((one) => one.systemuse === 'user_reply');
  if (kind === undefined) throw refused('This desk has no action kind for replies of users');
  const type = desk.store.find('tickettype', ticket.tickettype_id);
  const status = (isClosed(desk, ticket) ? type?.reopenedstatus : type?.statusafteruserupdate) ?? 0;
  const { note, note_html, attachments } = body;
  const actor: Actor = { by: 'user', userId: user.id, name: user.name };
  return act(desk, ticketId, { note, note_html, attachments }, actor, noSwitches, { kind, status });
}

/** Edits the ticket by hand, without an action. */
export function editByHand(desk: Desk, ticketId: number, body: Input): Ticket {
  const agent = textOf(body, 'by');
  const first = desk.store.list('agent')[0]?.name ?? '';
  return editTicket(desk, ticketId, ticketForm(desk, body), agentActor(desk, agent ?? first), noSwitches);
}

/**
 * Converts a form's words to ids: statuses, types, priorities, agents and suppliers by name; `fields` as custom fields.
 */
function ticketForm(desk: Desk, body: Input): Input {
  const { fields, ...rest } = body;
  const named = isInput(fields) ? formOf(desk, fields) : {};
  return { ...formOf(desk, rest, false), ...named };
}

function formOf(desk: Desk, fields: Input, custom = true): Input {
  const out: Record<string, unknown> = {};
  const customfields: Input[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const key = name.toLowerCase().replace(/_id$/, '');
    if (key === 'status') out.status_id = recordId(desk, 'status', value);
    else if (key === 'tickettype' || key === 'type') out.tickettype_id = recordId(desk, 'tickettype', value);
    else if (key === 'priority') out.priority_id = recordId(desk, 'priority', value);
    else if (key === 'agent') out.agent_id = recordId(desk, 'agent', value);
    else if (key === 'supplier') out.supplier_id = recordId(desk, 'supplier', value);
    else if (key === 'client') out.client_id = recordId(desk, 'client', value);
    else if (key === 'category') out.category_1 = value;
    else if (custom && fieldOf(desk.store, { name }, true) !== null) customfields.push({ name, value });
    else out[name] = value;
  }
  return { ...out, ...(custom ? { customfields } : {}) };
}

/** Finds the id of a record given by id or name; undefined if none is given. Throws a 400 for an unknown name. */
function recordId(desk: Desk, kind: RecordKind, value: unknown): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'number') return value;
  const record = typeof value === 'string' ? desk.store.named(kind, value) : null;
  if (record === null) throw refused(`${kind} ${JSON.stringify(value)} does not exist`);
  return record.id;
}
