/** A ticket's timeline: the request and every action, newest first, as agents see it. */
import { html } from 'hono/html';
import type { Desk } from '#twins/halo/desk.ts';
import { fieldViews } from '#twins/halo/customfields.ts';
import type { Action, Attachment, Ticket } from '#twins/halo/model.ts';
import { webClient } from '#twins/halo/model.ts';
import type { Html } from './html.ts';
import { initials, nothing, pill, size, slugOf, time } from './html.ts';
import type { PictureAddress, PictureRef } from './note-html.ts';
import { noteHtml, picturesIn } from './note-html.ts';

/** How long an entry is shown as new. */
const freshMs = 6000;

/** Finds the addresses of a ticket's own pictures, below `/desk` or `/portal`. */
export function picturesOf(desk: Desk, ticketId: number, root: 'desk' | 'portal'): PictureAddress {
  return (picture) => {
    const attachment = typeof picture === 'number' ? desk.store.attachment(picture) : desk.store.attachmentOf(picture);
    // A picture that came through the API belongs to no ticket: anybody who has its address may see it.
    const isHere = attachment?.ticket_id === ticketId || (attachment?.ticket_id === 0 && attachment.guid === picture);
    return attachment !== null && isHere ? fileUrl(attachment, root) : null;
  };
}

function fileUrl({ id, sha256 }: Pick<Attachment, 'id' | 'sha256'>, root: 'desk' | 'portal'): string {
  return `/${root}/files/${id}?v=${sha256.slice(0, 8)}`;
}

/** Renders files to download. Pictures that a note shows are not listed again. */
export function fileList(files: readonly Attachment[], shown: ReadonlySet<PictureRef>, root: 'desk' | 'portal'): Html {
  const rest = files.filter(({ id, guid }) => !shown.has(id) && !shown.has(guid ?? id));
  if (rest.length === 0) return nothing;
  return html`<ul class="files">
    ${rest.map(
      (file) =>
        html`<li>
          <a href="${fileUrl(file, root)}" download="${file.filename}" data-testid="file">${file.filename}</a>
          <small>${size(file.filesize)}</small>
        </li>`,
    )}
  </ul>`;
}

/** Finds all pictures that a note or the request shows. */
export function shownPictures(ticket: Ticket, actions: readonly Action[]): ReadonlySet<PictureRef> {
  return new Set([ticket.details_html, ...actions.map(({ note_html }) => note_html)].flatMap(picturesIn));
}

/** Renders the whole timeline, with the id `timeline`. */
export function timeline(desk: Desk, ticket: Ticket): Html {
  const { store } = desk;
  const actions = store.actions(ticket.id).filter(({ iscreation }) => !iscreation);
  const shown = shownPictures(ticket, actions);
  const picture = picturesOf(desk, ticket.id, 'desk');
  const requester = store.find('user', ticket.user_id)?.name ?? ticket.created_by;
  return html`<ol class="timeline" id="timeline" reversed aria-label="Timeline, newest first">
    ${actions.toReversed().map((action) => entry(desk, action, shown, picture))}
    <li class="entry request" data-testid="request">
      ${head(requester, 'Request', ticket.dateoccurred, ticket.source === 'API' ? html`<span class="tag">through ${ticket.created_by}</span>` : nothing)}
      <section class="note">${noteHtml(ticket.details_html, picture)}</section>
      ${fileList(store.attachments(ticket.id, 0), shown, 'desk')}
    </li>
  </ol>`;
}

function head(who: string, kind: string, stamp: string, tags: Html | readonly Html[]): Html {
  return html`<span class="face" aria-hidden="true">${initials(who)}</span>
    <p class="by"><strong data-testid="author">${who}</strong> <span class="kind">${kind}</span> ${tags}</p>
    ${time(stamp)}`;
}

function entry(desk: Desk, action: Action, shown: ReadonlySet<PictureRef>, picture: PictureAddress): Html {
  const { store } = desk;
  const isFresh = Date.parse(`${action.datetime}Z`) > desk.now() - freshMs;
  const classes = ['entry', ...(action.hiddenfromuser ? ['private'] : []), ...(isFresh ? ['fresh'] : [])].join(' ');
  const tags = [
    action.hiddenfromuser ? html`<span class="tag private">hidden from the user</span>` : nothing,
    action.sendemail && action.emailto !== ''
      ? html`<span class="tag mailed" data-testid="mailed">mailed to ${action.emailto}</span>`
      : nothing,
    sent(desk, action),
    through(desk, action),
  ];
  return html`<li
    class="${classes}"
    id="entry-${action.id}"
    data-testid="entry"
    data-kind="${slugOf(action.outcome)}"
    data-hidden="${String(action.hiddenfromuser)}"
  >
    ${head(action.who, action.outcome, action.datetime, tags)}
    ${action.note_html === '' ? nothing : html`<section class="note">${noteHtml(action.note_html, picture)}</section>`}
    ${changes(desk, action)} ${fileList(store.attachments(action.ticket_id, action.id), shown, 'desk')}
  </li>`;
}

/** Renders the account that acted if it is not the author's: that of an application, such as Ferry's. */
function through(desk: Desk, action: Action): Html {
  const account = desk.store.find('agent', action.who_agentid)?.name ?? '';
  if (!byApplication(action) || account === action.who) return nothing;
  return html`<span class="tag">through ${account === '' ? action.actionby_application_id : account}</span>`;
}

function byApplication({ actionby_application_id: application }: Action): boolean {
  return application !== '' && application !== webClient;
}

/** Renders what the agent's choice, or that of the action kind, sends to the connected desk. */
function sent(desk: Desk, action: Action): Html {
  if (action.actionby_agent_id === 0 || byApplication(action)) return nothing;
  const kind = desk.store.find('outcome', action.outcome_id);
  const to = action.sync_to_halo_api ?? kind?.default_send_to_halo ?? 0;
  return to === 0 ? nothing : html`<span class="tag sent">sent to the ${to === 1 ? 'supplier' : 'customer'}</span>`;
}

function changes(desk: Desk, action: Action): Html {
  const { store } = desk;
  const before = store.find('status', action.old_status);
  const after = store.find('status', action.new_status);
  const lines: Html[] = [];
  if (action.new_status !== action.old_status)
    lines.push(html`${pill(before)} <span aria-label="became">→</span> ${pill(after)}`);
  const supplier = store.find('supplier', action.new_supplier_id)?.name ?? '';
  if (supplier !== '') lines.push(html`Supplier: <strong>${supplier}</strong>`);
  if (action.new_supplier_ref !== '') lines.push(html`Supplier's number: <strong>${action.new_supplier_ref}</strong>`);
  if (action.new_category1 !== '') lines.push(html`Category: <strong>${action.new_category1}</strong>`);
  const priority = store.find('priority', action.new_priority)?.name ?? '';
  if (priority !== '') lines.push(html`Priority: <strong>${priority}</strong>`);
  for (const { label, display } of fieldViews(store, action.customfields, true)) {
    lines.push(html`${String(label)}: <strong>${display === '' ? 'empty' : String(display)}</strong>`);
  }
  return lines.length === 0
    ? nothing
    : html`<ul class="changes">
        ${lines.map((line) => html`<li>${line}</li>`)}
      </ul>`;
}
