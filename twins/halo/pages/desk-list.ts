/** The desk's tickets, open ones first, each part sorted by last change, and kept up to date. */
import { html } from 'hono/html';
import type { Ticket } from '#twins/halo/model.ts';
import type { Serving } from '#twins/halo/serving.ts';
import { live, page } from './frame.ts';
import type { Html } from './html.ts';
import { count, nothing, pill } from './html.ts';

const most = 200;

export function deskPage(serving: Serving): Html {
  const { store } = serving.desk;
  const closed = store.list('status').filter((status) => status.closed);
  const list = closed.map(({ id }) => id).join(', ') || '0';
  const total = Number(store.all('select count(*) n from tickets where deleted = 0')[0]?.n ?? 0);
  const read = (where: string): Ticket[] =>
    store
      .all(
        `select body from tickets where deleted = 0 and status_id ${where} (${list}) order by last_update desc, id desc limit ${most}`,
      )
      .map((row) => JSON.parse(String(row.body)) as Ticket);
  const open = read('not in');
  const done = read('in').slice(0, Math.max(0, most - open.length));
  const left = total - open.length - done.length;
  const body = html`<div class="title">
      <h1>Tickets</h1>
      <a class="button main" href="/desk/new" data-testid="new">New ticket</a>
    </div>
    ${live('/desk', 'changed', ['tickets'])}
    <div id="tickets">
      ${rows(serving, open, 'No open tickets.')}
      ${
        done.length === 0
          ? nothing
          : html`<h2 class="rest">Closed</h2>
              ${rows(serving, done, '')}`
      }
      ${left > 0 ? html`<p class="hint">${count(left, 'older ticket')} not shown.</p>` : nothing}
    </div>`;
  return page(serving, { title: 'Tickets', section: 'tickets', body });
}

function rows(serving: Serving, tickets: readonly Ticket[], otherwise: string): Html {
  if (tickets.length === 0) return html`<p class="hint">${otherwise}</p>`;
  return html`<ul class="tickets">
    ${tickets.map((ticket) => row(serving, ticket))}
  </ul>`;
}

function row({ desk }: Serving, ticket: Ticket): Html {
  const { store } = desk;
  const user = store.find('user', ticket.user_id)?.name ?? '';
  const client = store.find('client', ticket.client_id)?.name ?? '';
  const priority = store.find('priority', ticket.priority_id);
  const type = store.find('tickettype', ticket.tickettype_id)?.name ?? '';
  const status = store.find('status', ticket.status_id);
  return html`<li class="ticket" data-testid="ticket-${ticket.id}" data-closed="${String(status?.closed ?? false)}">
    <span class="number">${ticket.id}</span>
    <a class="summary" href="/desk/tickets/${ticket.id}">${ticket.summary}</a>
    ${pill(status)}
    <span class="facts">
      <span>${type}</span>
      ${priority === null ? nothing : html`<span class="dot priority-${priority.id}">${priority.name}</span>`}
      <span>${user === '' ? client : client === '' ? user : `${user}, ${client}`}</span>
    </span>
  </li>`;
}
