/** What a ticket's workflow allows: the source of Halo's best-known refusal. */
import type { Desk } from './desk.ts';
import { errorTexts, refused } from './errors.ts';
import type { Outcome, Ticket } from './model.ts';

/** The action kind by id or name. Throws a 400 with Halo's text if this ticket's workflow does not offer it. */
export function needKind(desk: Desk, ticket: Ticket, id: number | undefined, name: string | undefined): Outcome {
  const { store } = desk;
  const byId = id !== undefined && id > 0 ? store.find('outcome', id) : null;
  const kind = byId ?? (name !== undefined && name !== '' ? store.named('outcome', name) : null);
  if (kind === null || !allows(desk, ticket, kind)) throw refused(errorTexts.noAccess);
  return kind;
}

/** Whether the workflow of the ticket's type offers this action kind. */
export function allows(desk: Desk, ticket: Ticket, kind: Outcome): boolean {
  const type = desk.store.find('tickettype', ticket.tickettype_id);
  return type === null || type.allowall_actions || type.allowed_actions.includes(kind.id);
}
