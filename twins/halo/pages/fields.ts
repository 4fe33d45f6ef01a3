/** Form fields that several pages have: choices, custom fields, a note with its files, the agent who acts. */
import { html } from 'hono/html';
import { isTicketField } from '#twins/halo/customfields.ts';
import type { Desk } from '#twins/halo/desk.ts';
import type { Agent, FieldInfo } from '#twins/halo/model.ts';
import type { Form } from './form-input.ts';
import type { Html } from './html.ts';
import { flag, nothing } from './html.ts';

export interface Option {
  readonly value: string | number;
  readonly label: string;
}

/** Renders a labelled choice. */
export function choice(name: string, label: string, options: readonly Option[], chosen: string | number): Html {
  return html`<label class="field"
    >${label}
    <select name="${name}" data-testid="choose-${name}">
      ${options.map(({ value, label: text }) => html`<option value="${String(value)}" ${flag('selected', String(value) === String(chosen))}>${text}</option>`)}
    </select></label
  >`;
}

/** Renders a custom field in the form that its kind needs. Its name in the form is `field-<id>`. */
export function customField(field: FieldInfo, value: string): Html {
  const name = `field-${field.id}`;
  if (field.kind === 'select' || field.kind === 'multiselect') {
    const options = field.values.map((one) => ({ value: one.id, label: one.name }));
    return choice(name, field.label, [{ value: '', label: '–' }, ...options], value);
  }
  const type = {
    text: 'text',
    memo: 'text',
    rich: 'text',
    time: 'time',
    integer: 'number',
    money: 'number',
    number: 'number',
    date: 'date',
    datetime: 'datetime-local',
    checkbox: 'text',
  };
  return html`<label class="field"
    >${field.label} <input name="${name}" type="${type[field.kind]}" value="${value}" data-testid="choose-${name}"
  /></label>`;
}

/** Reads the custom fields of a form, by name. Those left empty are not changed. */
export function customValues(desk: Desk, form: Form): Record<string, string | number> {
  const out: Record<string, string | number> = {};
  for (const { id, name } of desk.store.list('fieldinfo').filter(isTicketField)) {
    const value = form.text(`field-${id}`);
    if (value !== '') out[name] = value;
  }
  return out;
}

export interface NoteField {
  readonly label: string;
  readonly value: string;
  readonly required?: boolean;
  /** Whether pictures and files go with it. */
  readonly files?: boolean;
  readonly focus?: boolean;
}

/** Renders the note, with a place for pictures. A script turns pasted ones into files of the field `picture`. */
export function noteField({ label, value, required = false, files = true, focus = false }: NoteField): Html {
  const flags = html`${flag('data-focus', focus)}${flag('required', required)}`;
  const uploads = html`<div class="uploads">
    <label class="field"
      >Pictures (or paste them above)
      <input
        type="file"
        name="picture"
        accept="image/png,image/jpeg,image/gif,image/webp"
        multiple
        data-testid="picture"
    /></label>
    <label class="field">Files to attach <input type="file" name="file" multiple data-testid="file-input" /></label>
  </div>`;
  // The first line break after the start of a textarea is not part of its value.
  return html`<label class="field wide"
      >${label} <textarea name="note" rows="3" data-testid="note" data-paste${flags}>${`\n${value}`}</textarea>
    </label>
    <div class="previews" data-previews aria-live="polite"></div>
    ${files ? uploads : nothing}`;
}

/** Lists the agents who work at the desk. Applications log in by other means. */
export function people(desk: Desk): readonly Agent[] {
  return desk.store.list('agent').filter((agent) => !agent.is_api && !agent.isdisabled);
}

/** Renders the choice of who acts: everybody at this desk trusts each other. */
export function agentChoice(desk: Desk, chosen: string): Html {
  const agents = people(desk);
  const name = agents.find((agent) => agent.name === chosen)?.name ?? agents[0]?.name ?? '';
  return choice(
    'agent',
    'Acting as',
    agents.map((agent) => ({ value: agent.name, label: agent.name })),
    name,
  );
}
