/**
 * Translates the sender's fields into the receiving desk's: same type, options mapped, values that are already set left
 * out.
 */
import { sanitise } from '#core/text/html.ts';
import { findField, optionHere, summaryField } from '#core/rules/fields.ts';
import type { FieldRow } from '#core/rules/settings.ts';
import { findName, findRow, sameName, sameSet } from '#core/words/names.ts';
import { reason } from '#core/words/reasons.ts';
import type { TranslateInput } from './decide-input.ts';
import { cleanText } from '#core/text/text.ts';
import type { CatalogueField, FieldValue, Reason, TicketSnapshot } from '#core/words/vocabulary.ts';

export type FieldPart = {
  readonly values: Readonly<Record<string, FieldValue>>;
  /** All requested values, including those already set. */
  readonly meant: Readonly<Record<string, FieldValue>>;
  /** The value of a row that maps onto the ticket's summary. */
  readonly summary: string | undefined;
  readonly changes: boolean;
  readonly drops: readonly Reason[];
};

type One = { readonly field: CatalogueField; readonly value: FieldValue } | { readonly drop: Reason } | null;

export function translateFields(input: TranslateInput, desk: string): FieldPart {
  const given: [string, FieldValue][] = Object.entries(input.words.fields);
  const { summary } = input.words;
  if (summary !== undefined && !given.some(([name]) => sameName(name, summaryField.name))) {
    given.push([summaryField.name, summary]);
  }
  const values = new Map<string, FieldValue>();
  const meant = new Map<string, FieldValue>();
  const drops: Reason[] = [];
  let text: string | undefined;
  for (const [name, value] of given) {
    const one = translateField(name, value, input, desk);
    if (one === null) continue;
    if ('drop' in one) drops.push(one.drop);
    else if (one.field === summaryField) text = typeof one.value === 'string' ? one.value : text;
    else {
      meant.set(one.field.name, one.value);
      if (!isSo(input.snapshot, one.field, one.value)) values.set(one.field.name, one.value);
    }
  }
  const all = { values: Object.fromEntries(values), meant: Object.fromEntries(meant) };
  return { ...all, summary: text, changes: values.size > 0, drops };
}

function translateField(name: string, value: FieldValue, input: TranslateInput, desk: string): One {
  const row = findRow(input.inbound.fields, name);
  if (row === undefined) {
    // An escalation brings every field, and the summary is not a field: an unmapped one needs no reason.
    const silent = input.opening || (sameName(name, summaryField.name) && input.words.summary !== undefined);
    return silent ? null : { drop: reason('unmapped-field', { desk, name }) };
  }
  if (input.bare && row.when === 'withActions') return { drop: reason('field-waits-for-action', { name }) };
  const field = findField(input.catalogue.fields, row.to);
  if (field === undefined) {
    return { drop: reason('unknown-in-catalogue', { desk, what: 'field', name: row.to, from: name }) };
  }
  if (value === null) return input.opening ? null : { field, value };
  return convert(value, row, field, desk);
}

function convert(value: NonNullable<FieldValue>, row: FieldRow, field: CatalogueField, desk: string): One {
  if (field.type === 'option' || field.type === 'options') return convertOptions(value, row, field, desk);
  const fitting = fit(value, field);
  if (fitting !== undefined) return { field, value: fitting };
  return { drop: reason('field-type-differs', { desk, name: field.name, expected: field.type }) };
}

/** Converts the value to this type of field; undefined if it does not fit. */
function fit(value: NonNullable<FieldValue>, { type }: CatalogueField): FieldValue | undefined {
  if (typeof value === 'object') return undefined;
  switch (type) {
    case 'text':
      return typeof value === 'string' ? cleanText(value) : undefined;
    case 'html':
      return typeof value === 'string' ? sanitise(value) : undefined;
    case 'number':
      return numberOf(value);
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'date':
      return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : undefined;
    case 'datetime':
      return typeof value === 'string' && isInstant(value) ? value : undefined;
    case 'option':
    case 'options':
      return undefined;
  }
}

/** Desks that store everything as text send numbers as text. */
function numberOf(value: string | number | boolean): number | undefined {
  if (typeof value === 'string' && !/^-?\d{1,15}(?:\.\d{1,15})?$/.test(value.trim())) return undefined;
  const number = typeof value === 'boolean' ? Number.NaN : Number(value);
  return Number.isFinite(number) ? number : undefined;
}

/** A date is not an instant: without a time and an offset it names no moment. */
function isInstant(value: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T.*(?:Z|[+-]\d{2}:?\d{2})$/i.test(value) && Number.isFinite(Date.parse(value));
}

function convertOptions(value: NonNullable<FieldValue>, row: FieldRow, field: CatalogueField, desk: string): One {
  const chosen = typeof value === 'object' ? value : [String(value)];
  const here: string[] = [];
  for (const option of chosen) {
    const known = optionHere(option, row, field);
    if (known === undefined) return { drop: reason('unmapped-option', { desk, name: option, from: row.from }) };
    // Several options may map onto one, and the chosen options are a set.
    if (findName(here, known) === undefined) here.push(known);
  }
  const [only] = here;
  if (field.type === 'option' && here.length > 1) {
    return { drop: reason('field-type-differs', { desk, name: field.name, expected: field.type }) };
  }
  if (field.type === 'options') return { field, value: here };
  return { field, value: only ?? null };
}

function isSo(snapshot: TicketSnapshot | null, field: CatalogueField, value: FieldValue): boolean {
  if (snapshot === null) return false;
  const entry = Object.entries(snapshot.fields).find(([name]) => sameName(name, field.name));
  return sameValue(entry?.[1] ?? null, value, field);
}

function sameValue(a: FieldValue, b: FieldValue, { type }: CatalogueField): boolean {
  if (a === null || b === null) return a === b;
  if (type === 'options') {
    return sameSet(asList(a), asList(b));
  }
  if (type === 'datetime') return Date.parse(String(a)) === Date.parse(String(b));
  if (type === 'option') return sameName(String(a), String(b));
  if (type === 'number') return Number(a) === Number(b);
  return a === b;
}

function asList(value: NonNullable<FieldValue>): readonly string[] {
  return typeof value === 'object' ? value : [String(value)];
}
