/** An action kind's button and form, with the fields that this kind asks for. */
import { html } from 'hono/html';
import type { Desk } from '#twins/halo/desk.ts';
import { fieldOf } from '#twins/halo/customfields.ts';
import type { Input } from '#twins/halo/input.ts';
import type { Outcome, Status, Ticket } from '#twins/halo/model.ts';
import { allows } from '#twins/halo/workflow.ts';
import { agentChoice, choice, customField, customValues, noteField } from './fields.ts';
import type { Form } from './form-input.ts';
import { noteOf } from './form-input.ts';
import type { Html } from './html.ts';
import { flag, nothing, pill, slugOf } from './html.ts';

/** Finds the action kinds that agents can use on this ticket. */
export function kindsFor(desk: Desk, ticket: Ticket): readonly Outcome[] {
  return desk.store
    .list('outcome')
    .filter((kind) => kind.systemuse !== 'user_reply' && allows(desk, ticket, kind))
    .toSorted((a, b) => a.sequence - b.sequence);
}

/** Renders links that open the forms; with a script they open within the page. */
export function actionButtons(desk: Desk, ticket: Ticket, open: number | undefined): Html {
  return html`<div class="actions" role="group" aria-label="Actions">
    ${kindsFor(desk, ticket).map((kind) => {
      const url = `/desk/tickets/${ticket.id}?action=${kind.id}`;
      const current = kind.id === open ? html` aria-current="true"` : nothing;
      return html`<a
        class="button ${toneOf(kind)}"
        id="open-${kind.id}"
        href="${url}#act"
        hx-get="${url}"
        hx-target="#act"
        hx-select="#act"
        hx-swap="outerHTML"
        data-testid="action-${slugOf(kind.outcome)}"
        ${current}
        >${kind.buttonname}</a
      >`;
    })}
  </div>`;
}

function toneOf(kind: Outcome): string {
  if (kind.systemuse === 'log_to_supplier') return 'main';
  return kind.hidden ? 'private' : 'plain';
}

export interface Shown {
  readonly form: Form;
  readonly agent: string;
  /** The desk's refusal, if it refused this form. */
  readonly refusal?: string;
}

/** Renders the form of one kind, filled in as before if the desk refused it. */
export function actionForm(desk: Desk, ticket: Ticket, kind: Outcome, { form, agent, refusal }: Shown): Html {
  const asks = (field: string): boolean => kind.fields.includes(field);
  const given = (name: string, otherwise: string | number): string => form.text(name) || String(otherwise);
  const url = `/desk/tickets/${ticket.id}/actions`;
  const required = kind.newstatus === 0 && kind.systemuse !== 'log_to_supplier' && !asks('status');
  const custom = kind.fields.flatMap((name) => fieldOf(desk.store, { name }, true) ?? []);
  return html`<form
    class="card"
    method="post"
    action="${url}"
    enctype="multipart/form-data"
    hx-post="${url}"
    hx-encoding="multipart/form-data"
    hx-target="#act"
    hx-select="#act"
    hx-select-oob="#head,#timeline"
    hx-swap="outerHTML"
    hx-disabled-elt="find [type=submit]"
    hx-disinherit="hx-disabled-elt"
    data-testid="form-${slugOf(kind.outcome)}"
  >
    <h2>${kind.buttonname}</h2>
    ${effects(desk, ticket, kind)}
    <input type="hidden" name="kind" value="${kind.id}" />
    ${noteField({ label: 'Note', value: form.text('note'), required, files: asks('attachments'), focus: true })}
    <div class="row">
      ${asks('supplier') ? supplierChoice(desk, ticket, form) : nothing}
      ${asks('status') ? statusChoice(desk, ticket, form) : nothing}
      ${asks('category') ? choice('category', 'Category', [stays, ...desk.store.list('category').map(({ value }) => ({ value, label: value }))], form.text('category')) : nothing}
      ${asks('priority') ? choice('priority', 'Priority', [stays, ...desk.store.list('priority').map(({ id, name }) => ({ value: id, label: name }))], form.text('priority')) : nothing}
      ${custom.map((field) => customField(field, form.text(`field-${field.id}`)))}
      ${asks('sync_to_halo_api') ? choice('send_to', 'Send to', sendTo(desk), given('send_to', kind.default_send_to_halo)) : nothing}
      ${canHide(kind) ? html`<label class="check"><input type="checkbox" name="hidden" value="yes" data-testid="choose-hidden" ${flag('checked', form.text('kind') === '' ? kind.hidden : form.text('hidden') === 'yes')} /> Hidden from user</label>` : nothing}
    </div>
    ${refusal === undefined ? nothing : html`<p class="refusal" role="alert" data-testid="refusal"><strong>${desk.name} refuses:</strong> ${refusal}</p>`}
    <div class="row last">
      ${agentChoice(desk, form.text('agent') || agent)}
      <span class="push"></span>
      <a
        class="button"
        href="/desk/tickets/${ticket.id}"
        hx-get="/desk/tickets/${ticket.id}"
        hx-target="#act"
        hx-select="#act"
        hx-swap="outerHTML"
        data-testid="cancel"
        >Cancel</a
      >
      <button type="submit" class="button main" data-testid="submit">${kind.buttonname}</button>
    </div>
  </form>`;
}

const stays = { value: '', label: 'as it is' };

function canHide(kind: Outcome): boolean {
  return kind.systemuse === 'none' && !kind.sendemail;
}

function sendTo(desk: Desk): { value: number; label: string }[] {
  const all = [{ value: 0, label: 'nobody' }];
  if (desk.store.list('supplier').length > 0) all.push({ value: 1, label: 'the supplier' });
  return [...all, { value: 2, label: 'the customer' }];
}

function supplierChoice(desk: Desk, ticket: Ticket, form: Form): Html {
  const all = desk.store.list('supplier');
  const chosen = form.text('kind') === '' ? ticket.supplier_id || (all[0]?.id ?? '') : form.text('supplier');
  const options = all.map(({ id, name }) => ({ value: id, label: name }));
  return choice('supplier', 'Supplier', [{ value: '', label: 'choose one' }, ...options], chosen);
}

function statusChoice(desk: Desk, ticket: Ticket, form: Form): Html {
  const type = desk.store.find('tickettype', ticket.tickettype_id);
  const allowed = desk.store
    .list('status')
    .filter((status) => (status.type ?? 'ticket') === 'ticket')
    .filter(({ id }) => type === null || type.allowall_status || type.allowed_status.includes(id));
  return choice(
    'status',
    'Status',
    [stays, ...allowed.map(({ id, name }) => ({ value: id, label: name }))],
    form.text('status'),
  );
}

/** Describes what this kind does besides writing the note, so that nobody sends mail by mistake. */
function effects(desk: Desk, ticket: Ticket, kind: Outcome): Html {
  const lines: Html[] = [];
  const status: Status | null = kind.newstatus > 0 ? desk.store.find('status', kind.newstatus) : null;
  const user = desk.store.find('user', ticket.user_id);
  if (kind.hidden) lines.push(html`hidden from the user`);
  if (kind.sendemail && kind.systemuse !== 'log_to_supplier' && user !== null) lines.push(html`mails ${user.name}`);
  if (status !== null) lines.push(html`status becomes ${pill(status)}`);
  if (kind.default_send_to_halo > 0)
    lines.push(html`goes to the ${kind.default_send_to_halo === 1 ? 'supplier' : 'customer'}`);
  return lines.length === 0
    ? nothing
    : html`<ul class="effects">
        ${lines.map((line) => html`<li>${line}</li>`)}
      </ul>`;
}

/** Converts the form to the input of the twin's own function for agents. */
export async function actionInput(desk: Desk, kind: Outcome | null, form: Form): Promise<Input> {
  const { html: note_html, attachments } = await noteOf(form);
  const sync = form.number('send_to');
  return {
    outcome_id: kind?.id ?? form.number('kind') ?? 0,
    note_html,
    attachments,
    supplier_id: form.number('supplier'),
    status: form.number('status'),
    category: form.text('category') || undefined,
    priority: form.number('priority'),
    fields: customValues(desk, form),
    ...(kind !== null && canHide(kind) ? { hidden: form.text('hidden') === 'yes' } : {}),
    ...(sync === undefined || sync === kind?.default_send_to_halo ? {} : { sync_to_halo_api: sync }),
  };
}
