/** The form in which an agent logs a ticket. */
import { html } from 'hono/html';
import { isTicketField } from '#twins/halo/customfields.ts';
import type { Desk } from '#twins/halo/desk.ts';
import type { Input } from '#twins/halo/input.ts';
import type { Serving } from '#twins/halo/serving.ts';
import { agentChoice, choice, customField, customValues, noteField } from './fields.ts';
import type { Option } from './fields.ts';
import type { Form } from './form-input.ts';
import { noteOf } from './form-input.ts';
import { page } from './frame.ts';
import type { Html } from './html.ts';
import { nothing } from './html.ts';

export function newPage(serving: Serving, form: Form, agent: string, refusal?: string): Html {
  const { desk } = serving;
  const { store } = desk;
  const type = store.list('tickettype')[0];
  const named = (all: readonly { id: number; name: string }[]): Option[] =>
    all.map(({ id, name }) => ({ value: id, label: name }));
  const priorities = [{ value: '', label: 'as the type says' }, ...named(store.list('priority'))];
  const categories = store.list('category').map(({ value }) => ({ value, label: value.replaceAll('>', ' › ') }));
  const body = html`<p class="crumb"><a href="/desk">← Tickets</a></p>
    <h1>New ticket</h1>
    <form class="card" method="post" action="/desk/new" enctype="multipart/form-data" data-testid="form-new">
      <label class="field wide"
        >Summary
        <input
          name="summary"
          required
          maxlength="200"
          value="${form.text('summary')}"
          autocomplete="off"
          data-focus
          data-testid="summary"
      /></label>
      ${noteField({ label: 'Details', value: form.text('note') })}
      <div class="row">
        ${choice('user', 'User', usersOf(desk), form.text('user'))}
        ${choice('type', 'Type', named(store.list('tickettype')), form.text('type') || (type?.id ?? ''))}
        ${choice('category', 'Category', [{ value: '', label: 'none' }, ...categories], form.text('category'))}
        ${choice('priority', 'Priority', priorities, form.text('priority'))}
        ${store
          .list('fieldinfo')
          .filter(isTicketField)
          .map((field) => customField(field, form.text(`field-${field.id}`)))}
      </div>
      ${refusal === undefined ? nothing : html`<p class="refusal" role="alert" data-testid="refusal"><strong>${desk.name} refuses:</strong> ${refusal}</p>`}
      <div class="row last">
        ${agentChoice(desk, form.text('agent') || agent)}
        <span class="push"></span>
        <a class="button" href="/desk">Cancel</a>
        <button type="submit" class="button main" data-testid="submit">Log the ticket</button>
      </div>
    </form>`;
  return page(serving, { title: 'New ticket', section: 'new', body });
}

function usersOf(desk: Desk): Option[] {
  const { store } = desk;
  const users = store.list('user').filter(({ inactive, emailaddress }) => !inactive && emailaddress !== '');
  return users.map(({ name, emailaddress, site_id }) => {
    const client = store.find('client', store.find('site', site_id)?.client_id ?? 0)?.name ?? '';
    return { value: emailaddress, label: client === '' ? name : `${name}, ${client}` };
  });
}

/** Converts the form to the input of the twin's own function for agents. */
export async function ticketInput(desk: Desk, form: Form): Promise<Input> {
  const { html: details_html, attachments } = await noteOf(form);
  const user = form.text('user');
  return {
    summary: form.text('summary'),
    details_html,
    attachments,
    ...(user === '' ? {} : { user }),
    tickettype: form.number('type'),
    priority: form.number('priority'),
    category: form.text('category'),
    fields: customValues(desk, form),
  };
}
