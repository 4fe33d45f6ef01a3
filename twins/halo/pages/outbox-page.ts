/** The mail that the desk would have sent, newest first. */
import { html } from 'hono/html';
import type { Mail } from '#twins/halo/mail.ts';
import { outbox } from '#twins/halo/mail.ts';
import type { Serving } from '#twins/halo/serving.ts';
import { live, page } from './frame.ts';
import type { Html } from './html.ts';
import { count, nothing, time } from './html.ts';
import { noteHtml } from './note-html.ts';
import { picturesOf } from './timeline.ts';

const most = 50;

/** Renders all mail, or that of one ticket. */
export function outboxPage(serving: Serving, ticketId: number): Html {
  const { desk } = serving;
  const mails = outbox(desk)
    .filter((mail) => ticketId === 0 || mail.ticket_id === ticketId)
    .toReversed();
  const address = ticketId === 0 ? '/outbox' : `/outbox?ticket=${ticketId}`;
  const about = ticketId === 0 ? nothing : html` <small>about ticket ${ticketId}</small>`;
  const body = html`<div class="title"><h1>Outbox${about}</h1></div>
    <p class="hint">What ${desk.mailbox} would have sent. No mail leaves this desk.</p>
    ${live(address, 'changed', ['mails'])}
    <div id="mails" data-testid="mails" data-count="${mails.length}">
      ${mails.length === 0 ? html`<p class="empty">No mail yet.</p>` : mails.slice(0, most).map((mail) => letter(serving, mail))}
      ${mails.length > most ? html`<p class="hint">${count(mails.length - most, 'older mail')} not shown.</p>` : nothing}
    </div>`;
  return page(serving, { title: 'Outbox', section: 'outbox', body });
}

function letter({ desk }: Serving, mail: Mail): Html {
  return html`<article
    class="mail"
    data-testid="mail"
    data-to="${mail.to}"
    data-ticket="${mail.ticket_id}"
    data-template="${mail.template}"
  >
    <header>
      <h2 data-testid="subject">${mail.subject}</h2>
      <dl>
        <div>
          <dt>From</dt>
          <dd>${desk.name} &lt;${mail.from}&gt;</dd>
        </div>
        <div>
          <dt>To</dt>
          <dd data-testid="to">${mail.to}</dd>
        </div>
        ${
          mail.cc === ''
            ? nothing
            : html`<div>
                <dt>Cc</dt>
                <dd>${mail.cc}</dd>
              </div>`
        }
      </dl>
      <p class="by">
        <a href="/desk/tickets/${mail.ticket_id}">Ticket ${mail.ticket_id}</a>
        ${mail.template === '' ? nothing : html`<span class="tag">template ${mail.template}</span>`} ${time(mail.sent)}
      </p>
    </header>
    <section class="note">${noteHtml(mail.body_html, picturesOf(desk, mail.ticket_id, 'desk'))}</section>
  </article>`;
}
