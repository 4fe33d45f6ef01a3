/** Whole writes: the change, the automations it triggers, and the news to webhooks, all or nothing. */
import type { Making } from './actions.ts';
import { editAction, makeAction, needAction } from './actions.ts';
import type { Announcement, Desk, Switches } from './desk.ts';
import { noSwitches } from './desk.ts';
import { errorTexts, refused } from './errors.ts';
import type { Input } from './input.ts';
import { textOf, wholeOf } from './input.ts';
import type { Action, Actor, Ticket } from './model.ts';
import type { Cause } from './rules.ts';
import { runRules } from './rules.ts';
import { outcome } from './seed.ts';
import { changeTicket, createTicket, isClosed, needTicket, setStatus } from './tickets.ts';
import { stampAfter } from './time.ts';
import { needKind } from './workflow.ts';

/** Logs a ticket. Labels are understood only from persons. */
export function logTicket(desk: Desk, input: Input, actor: Actor, switches: Switches): Ticket {
  return desk.store.atomically(() => {
    const ticket = createTicket(desk, input, actor, switches);
    const log = logCreation(desk, ticket, actor);
    const actionIds = [log.id, ...runRules(desk, { ...quiet(ticket, actor, switches), created: true })];
    desk.announce({ event: 'new ticket logged', ticketId: ticket.id, actionIds });
    return ticket;
  });
}

/** Logs the creation. Halo records each new ticket as an action of its creator, with the description as the note. */
function logCreation(desk: Desk, ticket: Ticket, actor: Actor): Action {
  const { details_html, details } = ticket;
  const kind = outcome(0, 'Ticket Logged');
  const making = { kind, actor, switches: noSwitches, mails: false, creation: true };
  return makeAction(desk, ticket, { note_html: details_html, note: details }, making);
}

/** Changes a ticket without an action, like the API's POST with an id, and like an edit by hand. */
export function editTicket(desk: Desk, id: number, input: Input, actor: Actor, switches: Switches): Ticket {
  return desk.store.atomically(() => {
    const ticket = needTicket(desk, id);
    const wasClosed = isClosed(desk, ticket);
    const statusChanged = changeTicket(desk, ticket, input, actor.by !== 'application');
    const actionIds = runRules(desk, {
      ...quiet(ticket, actor, switches),
      statusChanged,
      wasClosed,
    });
    tell(desk, ticket, wasClosed, actionIds, statusChanged ? 'ticket status changed' : 'ticket updated');
    return ticket;
  });
}

/** Adds an action, or edits the one whose id the body names. */
export function act(
  desk: Desk,
  ticketId: number | undefined,
  input: Input,
  actor: Actor,
  switches: Switches,
  making: Partial<Making> = {},
): Action {
  return desk.store.atomically(() => {
    if (ticketId === undefined || ticketId <= 0) throw refused(errorTexts.noTicket);
    const ticket = needTicket(desk, ticketId);
    const id = wholeOf(input, 'id');
    if (id !== undefined && id > 0) {
      const edited = editAction(desk, ticket, needAction(desk, ticketId, id), input);
      tell(desk, ticket, isClosed(desk, ticket), [edited.id], 'ticket updated');
      return edited;
    }
    if (ticket.merged_into_id !== null) throw refused(`This ticket has been merged into ${ticket.merged_into_id}`);
    const kind = making.kind ?? needKind(desk, ticket, wholeOf(input, 'outcome_id'), textOf(input, 'outcome'));
    const wasClosed = isClosed(desk, ticket);
    const before = ticket.status_id;
    const action = makeAction(desk, ticket, input, { ...making, kind, actor, switches });
    const statusChanged = ticket.status_id !== before;
    const also = runRules(desk, {
      ...quiet(ticket, actor, switches),
      action,
      statusChanged,
      wasClosed,
    });
    tell(desk, ticket, wasClosed, [action.id, ...also], 'new action');
    return action;
  });
}

function quiet(ticket: Ticket, actor: Actor, switches: Switches): Cause {
  return {
    ticket,
    actor,
    switches,
    action: null,
    created: false,
    statusChanged: false,
    wasClosed: false,
  };
}

function tell(
  desk: Desk,
  ticket: Ticket,
  wasClosed: boolean,
  actionIds: readonly number[],
  event: Announcement['event'],
): void {
  desk.announce({ event, ticketId: ticket.id, actionIds });
  if (!wasClosed && isClosed(desk, ticket)) desk.announce({ event: 'ticket closed', ticketId: ticket.id, actionIds });
}

/** Closes a ticket into another one. Both get a system entry, and the merged one names the survivor. */
export function mergeTickets(desk: Desk, fromId: number, intoId: number): Ticket {
  return desk.store.atomically(() => {
    const from = needTicket(desk, fromId);
    const into = needTicket(desk, intoId);
    if (fromId === intoId) throw refused('A ticket cannot be merged into itself');
    const closed = desk.store.list('status').findLast((status) => status.closed);
    const kind = outcome(0, 'Merged', { hidden: true });
    const actor = { by: 'system' } as const;
    const making = { kind, actor, switches: noSwitches };
    moveActions(desk, from, into);
    const last = makeAction(desk, from, { note: `Merged into ticket ${intoId}` }, making);
    const news = makeAction(desk, into, { note: `Ticket ${fromId} was merged into this one` }, making);
    from.merged_into_id = intoId;
    if (closed !== undefined) setStatus(desk, from, closed, from.last_update);
    desk.store.saveTicket(from);
    desk.announce({ event: 'ticket updated', ticketId: fromId, actionIds: [last.id] });
    desk.announce({ event: 'ticket updated', ticketId: intoId, actionIds: [news.id] });
    return from;
  });
}

/** Moves the merged ticket's actions to the survivor: they get new ids, and keep their times and UUIDs. */
function moveActions(desk: Desk, from: Ticket, into: Ticket): void {
  const { store } = desk;
  for (const action of store.actions(from.id)) {
    if (action.iscreation) continue;
    const id = into.next_action++;
    for (const file of store.attachments(from.id, action.id)) {
      store.saveAttachment({ ...file, ticket_id: into.id, action_id: id });
    }
    store.run('delete from actions where ticket_id = ? and id = ?', from.id, action.id);
    store.saveAction({ ...action, id, ticket_id: into.id, merged_from_ticketid: from.id, merged_from_id: action.id });
  }
  store.saveTicket(into);
}

/** Deletes a ticket: it disappears from every list and answer, and its number is not used again. */
export function deleteTicket(desk: Desk, id: number): void {
  desk.store.atomically(() => {
    const ticket = needTicket(desk, id);
    ticket.deleted = true;
    ticket.last_update = stampAfter(desk.now(), ticket.last_update);
    desk.store.saveTicket(ticket);
    desk.announce({ event: 'ticket deleted', ticketId: id, actionIds: [] });
  });
}

/** Restores a deleted ticket. Does nothing if the ticket is not deleted. */
export function restoreTicket(desk: Desk, id: number): void {
  desk.store.atomically(() => {
    const ticket = desk.store.ticket(id);
    if (ticket === null || !ticket.deleted) return;
    ticket.deleted = false;
    ticket.last_update = stampAfter(desk.now(), ticket.last_update);
    desk.store.saveTicket(ticket);
    desk.announce({ event: 'ticket updated', ticketId: id, actionIds: [] });
  });
}

/** Deletes one action; its id is not used again. */
export function deleteAction(desk: Desk, ticketId: number | undefined, id: number): Action {
  return desk.store.atomically(() => {
    const action = needAction(desk, ticketId, id);
    const ticket = needTicket(desk, action.ticket_id);
    desk.store.run('delete from actions where ticket_id = ? and id = ?', action.ticket_id, id);
    ticket.last_update = stampAfter(desk.now(), ticket.last_update);
    desk.store.saveTicket(ticket);
    desk.announce({ event: 'ticket updated', ticketId: ticket.id, actionIds: [] });
    return action;
  });
}

/** Gives the approval that a ticket waits for. */
export function decideApproval(desk: Desk, id: number): void {
  const ticket = needTicket(desk, id);
  ticket.approval_status = 0;
  ticket.last_update = stampAfter(desk.now(), ticket.last_update);
  desk.store.saveTicket(ticket);
}

/**
 * Recomputes hold times, as the desk does: open tickets count as changed although nobody did anything. Returns how
 * many.
 */
export function recompute(desk: Desk): number {
  return desk.store.atomically(() => {
    const rows = desk.store.all('select id from tickets where deleted = 0');
    const open = rows.map(({ id }) => needTicket(desk, Number(id))).filter((ticket) => !isClosed(desk, ticket));
    for (const ticket of open) {
      ticket.last_update = stampAfter(desk.now(), ticket.last_update);
      desk.store.saveTicket(ticket);
    }
    return open.length;
  });
}
