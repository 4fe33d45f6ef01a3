/** Checks how fields are mapped: the same type on both sides, and a target for every option. */
import { checkName, checkTwice, type Fault, type FaultPath, type LintSide } from './lint-fault.ts';
import { findName, findRow, foldName } from '#core/words/names.ts';
import { findField, optionHere, summaryField } from '#core/rules/fields.ts';
import type { FieldRow } from '#core/rules/settings.ts';
import type { CatalogueField } from '#core/words/vocabulary.ts';

export function lintFields(side: LintSide, far: LintSide): readonly Fault[] {
  const { fields } = side.settings.inbound;
  const path = [side.name, 'inbound', 'fields'];
  return [
    ...checkTwice(
      path,
      'from',
      fields.map(({ from }) => from),
    ),
    ...twoOntoOne(path, fields),
    ...fields.flatMap((row, index) => lintField(side, far, row, [...path, index])),
  ];
}

function twoOntoOne(path: FaultPath, rows: readonly FieldRow[]): readonly Fault[] {
  const repeated = rows.map(({ to }, index) => rows.findIndex((row) => foldName(row.to) === foldName(to)) < index);
  return rows.flatMap(({ from, to }, index): readonly Fault[] => {
    const other = rows.find((row) => foldName(row.to) === foldName(to));
    if (repeated[index] !== true || other === undefined || foldName(other.from) === foldName(from)) return [];
    const message = `"${other.from}" and "${from}" are both mapped onto "${to}", so the later would overwrite the other.`;
    return [{ code: 'two-rules', path: [...path, index, 'to'], message, fix: 'Map each onto a field of its own.' }];
  });
}

function lintField(side: LintSide, far: LintSide, row: FieldRow, path: FaultPath): readonly Fault[] {
  const here = side.catalogue === null ? null : side.catalogue.fields;
  const there = far.catalogue === null ? null : far.catalogue.fields;
  const target = here === null ? undefined : findField(here, row.to);
  const source = there === null ? undefined : findField(there, row.from);
  return [
    ...(source === undefined ? checkName([...path, 'from'], 'field', row.from, fieldNames(there), far.desk) : []),
    ...(target === undefined ? checkName([...path, 'to'], 'field', row.to, fieldNames(here), side.desk) : []),
    ...(source === undefined || target === undefined ? [] : lintType(side, far, row, source, target, path)),
    ...checkTwice(
      [...path, 'options'],
      'from',
      row.options.map(({ from }) => from),
    ),
    ...(target === undefined ? [] : lintOptionTargets(side, row, target, path)),
  ];
}

function fieldNames(fields: readonly CatalogueField[] | null): readonly string[] | null {
  return fields === null ? null : [...fields.map(({ name }) => name), summaryField.name];
}

function lintType(
  side: LintSide,
  far: LintSide,
  row: FieldRow,
  source: CatalogueField,
  target: CatalogueField,
  path: FaultPath,
): readonly Fault[] {
  if (source.type !== target.type) {
    const message = `"${source.name}" at ${far.desk} is of type ${source.type}, "${target.name}" at ${side.desk} of type ${target.type}.`;
    return [{ code: 'field-type-differs', path: [...path, 'to'], message, fix: 'Map fields of the same type.' }];
  }
  if (source.type !== 'option' && source.type !== 'options') return [];
  const lost = (source.options ?? []).filter((option) => optionHere(option, row, target) === undefined);
  // An option that the row maps wrongly is reported at its own line.
  const unmapped = lost.filter((option) => findRow(row.options, option) === undefined);
  if (unmapped.length === 0) return [];
  const shown = unmapped.map((option) => `"${option}"`).join(', ');
  const message = `${unmapped.length === 1 ? 'The option' : 'The options'} ${shown} of "${source.name}" at ${far.desk} would be lost: "${target.name}" at ${side.desk} has none of that name.`;
  return [{ code: 'option-unmapped', path: [...path, 'options'], message, fix: 'Add a row to options for each.' }];
}

function lintOptionTargets(side: LintSide, row: FieldRow, target: CatalogueField, path: FaultPath): readonly Fault[] {
  const known = target.options ?? [];
  return row.options.flatMap(({ to }, index) =>
    findName(known, to) === undefined
      ? checkName([...path, 'options', index, 'to'], `option of "${target.name}"`, to, known, side.desk)
      : [],
  );
}
