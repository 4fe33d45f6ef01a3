/** The end user's portal: their own tickets, without anything hidden. */
import { attachmentView } from './attachments.ts';
import type { Desk } from './desk.ts';
import { notFound } from './errors.ts';
import type { Input } from './input.ts';
import type { Ticket } from './model.ts';
import { needUser } from './persons.ts';
import { needTicket } from './tickets.ts';

/** Returns the user's tickets, newest first. */
export function portalTickets(desk: Desk, email: string): Input[] {
  const user = needUser(desk, email);
  const rows = desk.store.all('select body from tickets where user_id = ? and deleted = 0 order by id desc', user.id);
  return rows.map((row) => heading(desk, JSON.parse(String(row.body)) as Ticket));
}

/** Returns one of the user's tickets with the actions they may see, oldest first. */
export function portalTicket(desk: Desk, email: string, id: number): Input {
  const user = needUser(desk, email);
  const ticket = needTicket(desk, id);
  if (ticket.user_id !== user.id) throw notFound(`Ticket ${id}`);
  const shown = desk.store.actions(id).filter((action) => !action.hiddenfromuser && !action.iscreation);
  return {
    ...heading(desk, ticket),
    details_html: withOpenPictures(ticket.details_html),
    attachments: desk.store
      .attachments(id, 0)
      .filter(({ showforusers }) => showforusers !== false)
      .map(attachmentView),
    actions: shown.map((action) => ({
      id: action.id,
      outcome: action.outcome,
      who: action.who,
      datetime: action.datetime,
      note_html: withOpenPictures(action.note_html),
      attachments: desk.store.attachments(id, action.id).map(attachmentView),
    })),
  };
}

function heading(desk: Desk, ticket: Ticket): Input {
  const status = desk.store.find('status', ticket.status_id);
  return {
    id: ticket.id,
    summary: ticket.summary,
    status: status?.name ?? '',
    closed: status?.closed ?? false,
    category: ticket.category_1,
    dateoccurred: ticket.dateoccurred,
    last_update: ticket.last_update,
  };
}

/** Rewrites file addresses as the twin's own pages use them: addresses by number need a login only in Halo's API. */
export function withOpenPictures(html: string): string {
  return html.replace(/(src=["'])[^"']*\/api\/attachment\/(\d+)(?=["'])/gi, '$1/twin/attachments/$2');
}
