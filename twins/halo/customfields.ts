/** Custom fields: what may be written to each type, and how Halo shows it. */
import { refused } from './errors.ts';
import type { Input } from './input.ts';
import { textOf } from './input.ts';
import type { FieldInfo, FieldType, FieldValue } from './model.ts';
import type { Store } from './store.ts';
import { parseInstant, zoneless } from './time.ts';

/** Halo's numbers for the types of fields. */
const typeNumbers: Readonly<Record<FieldType, readonly [type: number, inputtype: number]>> = {
  text: [0, 0],
  integer: [0, 1],
  money: [0, 2],
  number: [0, 4],
  memo: [1, 0],
  select: [2, 0],
  multiselect: [3, 0],
  date: [4, 0],
  datetime: [4, 1],
  time: [5, 0],
  checkbox: [6, 0],
  rich: [10, 0],
};

/** Tells whether a field belongs to tickets. Halo keeps the fields of all records in one list. */
export function isTicketField({ typeid }: FieldInfo): boolean {
  return (typeid ?? 1) === 1;
}

/** Builds a definition as `GET /FieldInfo` returns it. */
export function fieldInfoView(field: FieldInfo): Input {
  const [type, inputtype] = typeNumbers[field.kind];
  return {
    id: field.id,
    name: field.name,
    label: field.label,
    type,
    inputtype,
    usage: 1,
    custom: 1,
    characterlimit: field.characterlimit,
    values: field.values,
  };
}

/** Lists all custom fields of a ticket, or those that an action set, as Halo does. */
export function fieldViews(store: Store, values: Readonly<Record<string, FieldValue>>, onlySet: boolean): Input[] {
  return store
    .list('fieldinfo')
    .filter(isTicketField)
    .filter((field) => !onlySet || field.id in values)
    .map((field) => {
      const { values: _values, custom: _custom, ...rest } = fieldInfoView(field);
      const value = values[field.id] ?? null;
      return { ...rest, value, display: display(field, value) };
    });
}

function display(field: FieldInfo, value: FieldValue): string {
  if (value === null) return '';
  if (field.kind === 'select' || field.kind === 'multiselect') {
    const ids = Array.isArray(value) ? (value as readonly number[]) : [value];
    return ids.map((id) => field.values.find((option) => option.id === Number(id))?.name ?? '').join(', ');
  }
  return field.kind === 'date' ? String(value).slice(0, 10) : String(value);
}

/**
 * Reads what a write sets, by field id. With `labels`, as on the desk's own pages, labels also name fields and options.
 * Throws a 400 for an unknown field, an unknown option or a value of the wrong type.
 */
export function readFields(store: Store, writes: readonly Input[], labels: boolean): Record<string, FieldValue> {
  const out: Record<string, FieldValue> = {};
  for (const write of writes) {
    const field = fieldOf(store, write, labels);
    if (field === null) throw refused(`Custom field ${String(write.name ?? write.id)} does not exist`);
    const value = readValue(field, write.value, labels);
    if (value === undefined) throw refused(`Invalid value for field ${field.label}`);
    out[field.id] = value;
  }
  return out;
}

/** Finds the field that a write or a form names; null if there is none. */
export function fieldOf(store: Store, write: Input, labels: boolean): FieldInfo | null {
  if (write.id !== undefined) return store.find('fieldinfo', Number(write.id));
  const name = (textOf(write, 'name') ?? '').toLowerCase();
  const match = (field: FieldInfo): boolean =>
    field.name.toLowerCase() === name || (labels && field.label.toLowerCase() === name);
  return store.list('fieldinfo').filter(isTicketField).find(match) ?? null;
}

function readValue(field: FieldInfo, value: unknown, labels: boolean): FieldValue | undefined {
  if (value === null || value === '' || value === undefined) return null;
  switch (field.kind) {
    case 'text':
    case 'memo':
    case 'rich': {
      if (typeof value !== 'string' && typeof value !== 'number') return undefined;
      const text = String(value);
      return field.characterlimit > 0 && text.length > field.characterlimit ? undefined : text;
    }
    case 'time':
      return typeof value === 'string' && /^\d\d:\d\d(?::\d\d)?$/.test(value) ? value : undefined;
    case 'integer':
      return Number.isInteger(Number(value)) ? Number(value) : undefined;
    case 'money':
    case 'number': {
      const number = typeof value === 'number' ? value : Number(value);
      return Number.isFinite(number) ? number : undefined;
    }
    case 'checkbox':
      return typeof value === 'boolean' ? value : undefined;
    case 'date': {
      const day = typeof value === 'string' ? value.slice(0, 10) : '';
      return /^\d{4}-\d\d-\d\d$/.test(day) && parseInstant(day) !== null ? `${day}T00:00:00` : undefined;
    }
    case 'datetime': {
      const ms = typeof value === 'string' ? parseInstant(value) : null;
      return ms === null ? undefined : zoneless(ms);
    }
    case 'select':
      return optionOf(field, value, labels);
    case 'multiselect': {
      const options = (Array.isArray(value) ? value : [value]).map((one) => optionOf(field, one, labels));
      return options.every((one): one is number => one !== undefined) ? options : undefined;
    }
  }
}

function optionOf(field: FieldInfo, value: unknown, labels: boolean): number | undefined {
  const wanted = String(value).toLowerCase();
  const match = field.values.find((o) => String(o.id) === wanted || (labels && o.name.toLowerCase() === wanted));
  return match?.id;
}
