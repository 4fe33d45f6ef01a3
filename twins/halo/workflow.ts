/** What a ticket's workflow allows, which is the source of Halo's best-known refusal. */
import type { Desk } from './desk.ts';
import { errorTexts, refused } from './errors.ts';
import type { Outcome, Ticket, TicketType, WorkflowStep } from './model.ts';

/** Finds the action kind by id or name. Throws a 400 with Halo's text if this ticket's workflow does not offer it. */
export function needKind(desk: Desk, ticket: Ticket, id: number | undefined, name: string | undefined): Outcome {
  const { store } = desk;
  const byId = id !== undefined && id > 0 ? store.find('outcome', id) : null;
  const kind = byId ?? (name !== undefined && name !== '' ? store.named('outcome', name) : null);
  if (kind === null || !allows(desk, ticket, kind)) throw refused(errorTexts.noAccess);
  return kind;
}

/** Tells whether the workflow of the ticket's type offers this action kind. */
export function allows(desk: Desk, ticket: Ticket, kind: Outcome): boolean {
  const type = desk.store.find('tickettype', ticket.tickettype_id);
  if (type === null) return true;
  if (!type.allowall_actions && !type.allowed_actions.includes(kind.id)) return false;
  return stepOf(type, ticket)?.actions?.includes(kind.id) !== false;
}

/** Returns the step in which tickets of a type start; 0 if the type has no workflow. */
export function firstStep(type: TicketType): number {
  return type.steps?.[0]?.step ?? 0;
}

export function stepOf(type: TicketType | null, ticket: Ticket): WorkflowStep | undefined {
  return type?.steps?.find(({ step }) => step === ticket.workflow_step);
}

/** Moves the ticket to the step that its workflow has after this action kind. */
export function moveOn(desk: Desk, ticket: Ticket, kind: Outcome): void {
  const step = stepOf(desk.store.find('tickettype', ticket.tickettype_id), ticket);
  ticket.workflow_step = step?.next?.[String(kind.id)] ?? ticket.workflow_step;
  if (kind.asksApproval === true) ticket.approval_status = 1;
}
