/** Custom fields: Halo's numbers for their types, and values both ways. Options go by name outside, by id inside. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { CatalogueField, FieldType, FieldValue } from '#core/words/vocabulary.ts';
import { cutText } from '#core/text/text.ts';
import { sameName } from '#core/words/names.ts';
import { haloInstant, instantOf } from './time.ts';
import type { FieldInfo, WireValue } from './wire.ts';

/** Fields of the ticket itself that may be mapped as if they were custom ones. */
export const ticketFields = { supplier: 'Supplier', start: 'Start date', target: 'Target date' } as const;

/** `inputtype` of a text that is a whole number, money, or a decimal. */
const numeric: ReadonlySet<number> = new Set([1, 2, 4]);

/** Halo's `type`, and `inputtype` where that matters. */
function typeOf({ type, inputtype }: FieldInfo): FieldType {
  switch (type) {
    case 0:
      return numeric.has(inputtype ?? 0) ? 'number' : 'text';
    case 2:
      return 'option';
    case 3:
      return 'options';
    case 4:
      return inputtype === 1 ? 'datetime' : 'date';
    case 6:
      return 'boolean';
    case 10:
      return 'html';
    default:
      return 'text';
  }
}

export function catalogueField(field: FieldInfo): CatalogueField {
  const type = typeOf(field);
  const options = (field.values ?? []).map(({ name }) => name);
  const most = field.characterlimit ?? 0;
  return {
    name: field.name,
    type,
    ...(type === 'option' || type === 'options' ? { options } : {}),
    ...(type === 'text' && most > 0 ? { maxLength: most } : {}),
  };
}

/** A value as Halo shows it. */
export function valueFrom(field: FieldInfo, value: WireValue): FieldValue {
  if (value === null || value === undefined || value === '') return null;
  switch (typeOf(field)) {
    case 'option':
      return optionName(field, Array.isArray(value) ? value[0] : value);
    case 'options': {
      const all = Array.isArray(value) ? value : textOf(value).split(',');
      return [...new Set(all.map((one) => optionName(field, one)))];
    }
    case 'number':
      return Number.isFinite(Number(value)) ? Number(value) : textOf(value);
    case 'boolean':
      return value === true || value === 1 || value === '1' || value === 'true';
    case 'date':
      return instantOf(textOf(value))?.slice(0, 10) ?? null;
    case 'datetime':
      return instantOf(textOf(value));
    default:
      return typeof value === 'number' || typeof value === 'boolean' ? value : textOf(value);
  }
}

/** A value as Halo takes it. Throws `refused` for an option or a form it does not have. */
export function valueTo(field: FieldInfo, value: FieldValue): Exclude<WireValue, undefined> {
  if (value === null || value === '') return null;
  switch (typeOf(field)) {
    case 'option':
      return optionId(field, Array.isArray(value) ? value[0] : value);
    case 'options':
      return [...new Set((Array.isArray(value) ? value : [value]).map((one) => optionId(field, one)))];
    case 'number': {
      const number = Number(value);
      if (!Number.isFinite(number)) throw unfit(field, value, 'a number');
      return number;
    }
    case 'boolean':
      return value === true || value === 1 || /^(true|yes|1)$/i.test(String(value));
    case 'date': {
      const day = String(value).slice(0, 10);
      if (!/^\d{4}-\d\d-\d\d$/.test(day)) throw unfit(field, value, 'a date such as 2026-12-31');
      return day;
    }
    case 'datetime': {
      const instant = instantOf(String(value));
      if (instant === null) throw unfit(field, value, 'an instant');
      return haloInstant(instant);
    }
    default:
      return Array.isArray(value) ? value.join(', ') : String(value);
  }
}

function textOf(value: WireValue): string {
  return Array.isArray(value) ? value.join(', ') : String(value);
}

function optionName(field: FieldInfo, value: WireValue): string {
  const text = textOf(value).trim();
  return field.values?.find(({ id, name }) => String(id) === text || name === text)?.name ?? text;
}

function optionId(field: FieldInfo, value: FieldValue | undefined): number | string {
  const id = field.values?.find(({ name }) => sameName(name, String(value)))?.id;
  if (id === undefined) throw unfit(field, value, 'one of its options');
  return id;
}

function unfit(field: FieldInfo, value: FieldValue | undefined, wanted: string): HelpdeskError {
  const shown = cutText(String(value), 60);
  return new HelpdeskError(
    'refused',
    'unfit-value',
    `Field "${field.name}" takes ${wanted}, not "${shown}". Map its values.`,
  );
}
