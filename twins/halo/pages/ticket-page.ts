/** A ticket as an agent sees it: its data, the possible actions and its history. */
import { html } from 'hono/html';
import { fieldViews } from '#twins/halo/customfields.ts';
import type { Desk } from '#twins/halo/desk.ts';
import type { Outcome, Ticket } from '#twins/halo/model.ts';
import type { Serving } from '#twins/halo/serving.ts';
import { actionButtons, actionForm } from './action-form.ts';
import type { Shown } from './action-form.ts';
import { live, page } from './frame.ts';
import type { Html } from './html.ts';
import { nothing, pill } from './html.ts';
import { timeline } from './timeline.ts';

export interface TicketPage {
  /** The kind whose form is open. */
  readonly kind?: Outcome;
  readonly shown?: Shown;
  /** What was just done. */
  readonly done?: string;
  /** A refusal that belongs to no form of this ticket. */
  readonly refusal?: string;
}

export function ticketPage(serving: Serving, ticket: Ticket, { kind, shown, done, refusal }: TicketPage = {}): Html {
  const { desk } = serving;
  const address = `/desk/tickets/${ticket.id}`;
  const form = kind === undefined || shown === undefined ? nothing : actionForm(desk, ticket, kind, shown);
  const body = html`<p class="crumb"><a href="/desk">← Tickets</a></p>
    ${live(address, `ticket-${ticket.id}`, ['timeline', 'head'])}
    <div class="sheet">
      ${head(desk, ticket, kind?.id)}
      <div id="act">
        ${done === undefined ? nothing : html`<p class="done" role="status" data-testid="done">${done}</p>`}
        ${refusal === undefined ? nothing : html`<p class="refusal" role="alert" data-testid="refusal"><strong>${desk.name} refuses:</strong> ${refusal}</p>`}
        ${form}
      </div>
      ${timeline(desk, ticket)}
    </div>`;
  return page(serving, { title: `${ticket.id} ${ticket.summary}`, section: null, body });
}

function head(desk: Desk, ticket: Ticket, open: number | undefined): Html {
  const { store } = desk;
  const merged = ticket.merged_into_id;
  return html`<div id="head">
    <div class="title">
      <h1><span class="number">${ticket.id}</span> <span data-testid="summary">${ticket.summary}</span></h1>
      ${pill(store.find('status', ticket.status_id), 'status')}
    </div>
    ${merged === null ? nothing : html`<p class="refusal">Merged into <a href="/desk/tickets/${merged}">${merged}</a>.</p>`}
    ${facts(desk, ticket)} ${actionButtons(desk, ticket, open)}
  </div>`;
}

function facts(desk: Desk, ticket: Ticket): Html {
  const { store } = desk;
  const priority = store.find('priority', ticket.priority_id);
  const client = store.find('client', ticket.client_id)?.name ?? '';
  const agent = store.find('agent', ticket.agent_id)?.name ?? '';
  const own: readonly (readonly [string, string, Html | string])[] = [
    ['type', 'Type', store.find('tickettype', ticket.tickettype_id)?.name ?? ''],
    [
      'priority',
      'Priority',
      priority === null ? '' : html`<span class="dot priority-${priority.id}">${priority.name}</span>`,
    ],
    ['category', 'Category', path(ticket.category_1)],
    ['requester', 'Requester', store.find('user', ticket.user_id)?.name ?? 'nobody'],
    ['customer', 'Customer', client],
    ['agent', 'Agent', [agent, ticket.team].filter((word) => word !== '').join(', ')],
    ['supplier', 'Supplier', supplier(desk, ticket)],
  ];
  const custom = fieldViews(store, ticket.customfields, true)
    .filter(({ display }) => display !== '')
    .map(({ id, label, display }) => [`field-${String(id)}`, String(label), String(display)] as const);
  return html`<dl class="facts">
    ${[...own, ...custom].map(([id, label, value]) =>
      value === ''
        ? nothing
        : html`<div>
            <dt>${label}</dt>
            <dd data-testid="fact-${id}">${value}</dd>
          </div>`,
    )}
  </dl>`;
}

/** Renders a category's path so that it may break between its parts. */
function path(category: string): Html | string {
  if (category === '') return '';
  return html`${category.split('>').map((part, index) => (index === 0 ? part : html`&gt;<wbr />${part}`))}`;
}

function supplier(desk: Desk, { supplier_id, supplier_reference, thirdparty_url }: Ticket): Html | string {
  const name = desk.store.find('supplier', supplier_id)?.name ?? '';
  if (supplier_reference === '') return name;
  const url = /^https?:\/\//i.test(thirdparty_url) ? thirdparty_url : '';
  const number = html`<span data-testid="supplier-reference">${supplier_reference}</span>`;
  return html`${name} ${url === '' ? number : html`<a href="${url}" target="_blank" rel="noopener">${number}</a>`}`;
}
