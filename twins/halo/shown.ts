/** Tickets and actions as Halo's API shows them. What the desk's own pages show is elsewhere. */
import { actionView } from './actions.ts';
import type { ActionParts } from './actions.ts';
import { attachmentView } from './attachments.ts';
import type { Desk } from './desk.ts';
import type { Input } from './input.ts';
import { listOf } from './input.ts';
import type { Action, Ticket } from './model.ts';
import { ticketView } from './tickets.ts';

const times = new Set(
  (
    'dateoccurred last_update lastactiondate dateclosed startdate targetdate datetime actiondatecreated last_updated ' +
    'datecreated'
  ).split(' '),
);
/** Builds a row of `/Tickets`. */
export function ticketRow(desk: Desk, ticket: Ticket): Input {
  const {
    third_party_id_string: _id,
    status_name: _status,
    priority_name: _priority,
    ...row
  } = ticketView(desk, ticket, false);
  const { deleted: _deleted, ...rest } = row;
  return stamped(desk, rest);
}

/** Builds `/Tickets/{id}`, which is also the answer to a write of it. */
export function wholeTicket(desk: Desk, ticket: Ticket): Input {
  const attachments = desk.store
    .attachments(ticket.id)
    .filter(({ guid }) => guid === undefined)
    .map(attachmentView);
  return { ...stamped(desk, ticketView(desk, ticket, true)), inactive: ticket.deleted, sla_id: 1, attachments };
}

/**
 * Builds an action for lists and on its own. `who_type` shows who acted: 0 the desk itself, 1 agents and applications,
 * 2 users.
 */
export function shownAction(desk: Desk, action: Action, parts: ActionParts): Input {
  const { issystem: _system, iscreation: _creation, merged_from_id: _id, ...rest } = actionView(desk, action, parts);
  const files = listOf(rest, 'attachments').filter(({ guid }) => guid === undefined);
  return stamped(desk, { ...rest, ...(parts.attachments ? { attachments: files } : {}) });
}

function stamped(desk: Desk, view: Input): Input {
  // Halo has no empty instants.
  const { zone, digits, never } = desk.profile;
  return Object.fromEntries(
    Object.entries(view).map(([key, value]) => {
      if (key === 'customfields') return [key, (value as readonly Input[]).map((field) => withOptions(desk, field))];
      if (!times.has(key)) return [key, value];
      if (value === null) return [key, never];
      if (typeof value !== 'string') return [key, value];
      const more = digits === 7 && /\.\d{3}$/.test(value) ? '0000' : '';
      return [key, `${value}${more}${zone}`];
    }),
  );
}

/** Builds the chosen options of a field that takes several: as records, or as bare ids. */
function withOptions(desk: Desk, field: Input): Input {
  if (desk.profile.options !== 'objects' || !Array.isArray(field.value)) return field;
  const known = desk.store.find('fieldinfo', Number(field.id))?.values ?? [];
  const value = field.value.map((id) => known.find((option) => option.id === id) ?? { id });
  return { ...field, value };
}
