/** Resolves rows that map fields: which field of a catalogue a name means, and which option an option becomes. */
import { findName, findNamed, findRow, sameName } from '#core/words/names.ts';
import type { CatalogueField } from '#core/words/vocabulary.ts';
import type { FieldRow } from './settings.ts';

/** The ticket's own summary, mapped like a text field if the desk has no field of that name. */
export const summaryField: CatalogueField = { name: 'summary', type: 'text' };

export function findField(fields: readonly CatalogueField[], name: string): CatalogueField | undefined {
  return findNamed(fields, name) ?? (sameName(name, summaryField.name) ? summaryField : undefined);
}

/** Maps an option by the row's options; an option with the same name at both desks needs no row. */
export function optionHere(option: string, row: FieldRow, field: CatalogueField): string | undefined {
  return findName(field.options ?? [], findRow(row.options, option)?.to ?? option);
}
