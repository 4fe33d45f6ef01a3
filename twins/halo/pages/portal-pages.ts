/** The end user's portal: their tickets, the public thread of each, and a reply. */
import { html } from 'hono/html';
import type { Attachment, User } from '#twins/halo/model.ts';
import type { Ticket } from '#twins/halo/model.ts';
import type { PortalTicket } from '#twins/halo/client.ts';
import { portalTicket, portalTickets } from '#twins/halo/portal.ts';
import type { Serving } from '#twins/halo/serving.ts';
import type { Form } from './form-input.ts';
import { noteField } from './fields.ts';
import { live, page } from './frame.ts';
import type { Html } from './html.ts';
import { flag, initials, nothing, pill, slugOf, time } from './html.ts';
import { noteHtml, picturesIn } from './note-html.ts';
import { fileList, picturesOf } from './timeline.ts';

/** Lists the users whose portal can be viewed. The portal has no login, like everything in the twin. */
export function portalUsers({ desk }: Serving): readonly User[] {
  return desk.store.list('user').filter(({ inactive, emailaddress }) => !inactive && emailaddress !== '');
}

export function portalPage(serving: Serving, user: User): Html {
  const { store } = serving.desk;
  const tickets = portalTickets(serving.desk, user.emailaddress) as unknown as readonly PortalTicket[];
  const address = `/portal?user=${encodeURIComponent(user.emailaddress)}`;
  const body = html`<div class="title">
      <h1>Your tickets</h1>
      <form class="who" method="get" action="/portal">
        <label
          >You are
          <select name="user" data-testid="choose-user">
            ${portalUsers(serving).map((one) => html`<option value="${one.emailaddress}" ${flag('selected', one.id === user.id)}>${one.name}</option>`)}
          </select></label
        >
        <button type="submit" class="button">Show</button>
      </form>
    </div>
    ${live(address, 'changed', ['tickets'])}
    <div id="tickets">
      ${tickets.length === 0 ? html`<p class="hint">You have no tickets.</p>` : nothing}
      <ul class="tickets">
        ${tickets.map(
          (ticket) =>
            html`<li class="ticket" data-testid="portal-ticket-${ticket.id}" data-closed="${String(ticket.closed)}">
              <span class="number">${ticket.id}</span>
              <a class="summary" href="/portal/tickets/${ticket.id}">${ticket.summary}</a>
              ${pill(store.named('status', ticket.status))}
            </li>`,
        )}
      </ul>
    </div>`;
  return page(serving, { title: 'Your tickets', section: 'portal', body, portal: true });
}

export interface PortalTicketPage {
  readonly form: Form;
  readonly done?: string;
  readonly refusal?: string;
}

export function portalTicketPage(serving: Serving, ticket: Ticket, user: User, state: PortalTicketPage): Html {
  const { desk } = serving;
  const { done, refusal, form } = state;
  const seen = portalTicket(desk, user.emailaddress, ticket.id) as unknown as PortalTicket;
  const shown = new Set([seen.details_html, ...seen.actions.map(({ note_html }) => note_html)].flatMap(picturesIn));
  const picture = picturesOf(desk, ticket.id, 'portal');
  const files = (all: readonly { readonly id: number }[]): Html =>
    fileList(
      all.map(({ id }) => desk.store.attachment(id)).filter((one): one is Attachment => one !== null),
      shown,
      'portal',
    );
  const address = `/portal/tickets/${ticket.id}`;
  const entry = (who: string, stamp: string, note: string, attached: Html, hooks: Html): Html => {
    const mine = who === user.name;
    return html`<li class="entry${mine ? ' mine' : ''}" ${hooks}>
      <span class="face" aria-hidden="true">${initials(who)}</span>
      <p class="by"><strong data-testid="author">${mine ? 'You' : who}</strong></p>
      ${time(stamp)}
      <section class="note">${noteHtml(note, picture)}</section>
      ${attached}
    </li>`;
  };
  const replyUrl = `${address}/replies`;
  const body = html`<p class="crumb">
      <a href="/portal?user=${encodeURIComponent(user.emailaddress)}">← Your tickets</a>
    </p>
    ${live(address, `ticket-${ticket.id}`, ['timeline', 'head'])}
    <div class="sheet">
      <div id="head" class="title">
        <h1><span class="number">${ticket.id}</span> <span data-testid="summary">${ticket.summary}</span></h1>
        ${pill(desk.store.find('status', ticket.status_id), 'status')}
      </div>
      <ol class="timeline thread" id="timeline" aria-label="Messages, oldest first">
        ${entry(user.name, ticket.dateoccurred, seen.details_html, files(seen.attachments), html` data-testid="portal-request"`)}
        ${seen.actions.map((action) => {
          const hooks = html` data-testid="portal-entry" data-kind="${slugOf(action.outcome)}" id="entry-${action.id}"`;
          return entry(action.who, action.datetime, action.note_html, files(action.attachments), hooks);
        })}
      </ol>
      <div id="act">
        ${done === undefined ? nothing : html`<p class="done" role="status" data-testid="done">${done}</p>`}
        <form
          class="card"
          method="post"
          action="${replyUrl}"
          enctype="multipart/form-data"
          hx-post="${replyUrl}"
          hx-encoding="multipart/form-data"
          hx-target="#act"
          hx-select="#act"
          hx-select-oob="#head,#timeline"
          hx-swap="outerHTML"
          hx-disabled-elt="find [type=submit]"
          data-testid="form-reply"
        >
          ${noteField({ label: seen.closed ? 'Reply, and open the ticket again' : 'Reply', value: form.text('note'), required: true })}
          ${refusal === undefined ? nothing : html`<p class="refusal" role="alert" data-testid="refusal">${refusal}</p>`}
          <div class="row last">
            <span class="push"></span><button type="submit" class="button main" data-testid="submit">Send</button>
          </div>
        </form>
      </div>
    </div>`;
  return page(serving, { title: ticket.summary, section: 'portal', body, portal: true });
}
