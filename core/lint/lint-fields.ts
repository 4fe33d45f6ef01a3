/** The mapping of fields: the same type on both sides, every option with somewhere to go, and texts that fit. */
import type { FieldRow } from '#core/rules/settings.ts';
import { summaryField } from '#core/rules/fields.ts';
import { foldName } from '#core/words/names.ts';
import type { CatalogueField } from '#core/words/vocabulary.ts';
import { checkName, checkTwice } from './check-names.ts';
import { finding, quotedNames, type Finding, type Place } from './finding.ts';
import { knownNames, knownTexts, type KnownNames } from './known-names.ts';
import { fieldOf, type LintSide } from './lint-side.ts';

export function lintFields(side: LintSide, far: LintSide): readonly Finding[] {
  const { fields } = side.settings.inbound;
  const place = [side.name, 'inbound', 'fields'];
  const [there, here] = [fieldNames(far), fieldNames(side)];
  return [
    ...checkTwice(
      place,
      'from',
      fields.map(({ from }) => from),
    ),
    ...twoOntoOne(place, fields),
    ...fields.flatMap((row, index) => lintField(side, far, { here, there }, row, [...place, index])),
  ];
}

function twoOntoOne(place: Place, rows: readonly FieldRow[]): readonly Finding[] {
  const first = new Map<string, FieldRow>();
  return rows.flatMap((row, index) => {
    const target = foldName(row.to);
    const other = first.get(target);
    if (other === undefined) {
      first.set(target, row);
      return [];
    }
    if (foldName(other.from) === foldName(row.from)) return [];
    const why = `"${other.from}" and "${row.from}" are both mapped onto "${row.to}", so the later would overwrite the other.`;
    return [finding('two-rules', [...place, index, 'to'], why, 'Map each onto a field of its own.')];
  });
}

type Names = KnownNames<string> | null;

function fieldNames({ fields }: LintSide): Names {
  return fields === null ? null : knownTexts([...fields.all, summaryField.name]);
}

function lintField(
  side: LintSide,
  far: LintSide,
  names: { readonly here: Names; readonly there: Names },
  row: FieldRow,
  place: Place,
): readonly Finding[] {
  const target = fieldOf(side, row.to);
  const source = fieldOf(far, row.from);
  return [
    ...checkName([...place, 'from'], 'field', row.from, names.there, far),
    ...checkName([...place, 'to'], 'field', row.to, names.here, side),
    ...(source === undefined || target === undefined ? [] : lintType(side, far, row, source, target, place)),
    ...checkTwice(
      [...place, 'options'],
      'from',
      row.options.map(({ from }) => from),
    ),
    ...(source?.options === undefined ? [] : lintOptionNames('from', far, row, source, place)),
    ...(target === undefined ? [] : lintOptionNames('to', side, row, target, place)),
  ];
}

function lintType(
  side: LintSide,
  far: LintSide,
  row: FieldRow,
  source: CatalogueField,
  target: CatalogueField,
  place: Place,
): readonly Finding[] {
  if (source.type !== target.type) {
    const why = `"${source.name}" at ${far.desk} is of type ${source.type}, "${target.name}" at ${side.desk} of type ${target.type}.`;
    return [finding('field-type-differs', [...place, 'to'], why, 'Map fields of the same type.')];
  }
  if (source.type === 'option' || source.type === 'options') return lintOptions(side, far, row, source, target, place);
  return lintLength(side, far, source, target, place);
}

function lintOptions(
  side: LintSide,
  far: LintSide,
  row: FieldRow,
  source: CatalogueField,
  target: CatalogueField,
  place: Place,
): readonly Finding[] {
  const mapped = knownNames(row.options, ({ from }) => from);
  const here = side.optionsOf(target);
  // What the row maps wrongly is reported at its own line.
  const unmapped = (source.options ?? []).filter(
    (option) => mapped.find(option) === undefined && here.find(option) === undefined,
  );
  if (unmapped.length === 0) return [];
  const why = `${unmapped.length === 1 ? 'The option' : 'The options'} ${quotedNames(unmapped)} of "${source.name}" at ${far.desk} would be lost: "${target.name}" at ${side.desk} has none of that name.`;
  return [finding('option-unmapped', [...place, 'options'], why, 'Add a row to options for each.', unmapped)];
}

function lintLength(
  side: LintSide,
  far: LintSide,
  source: CatalogueField,
  target: CatalogueField,
  place: Place,
): readonly Finding[] {
  const { maxLength: most } = target;
  const longest = source.maxLength ?? Number.POSITIVE_INFINITY;
  if (most === undefined || longest <= most || (source.type !== 'text' && source.type !== 'html')) return [];
  const long = source.maxLength === undefined ? 'texts of any length' : `texts of up to ${longest} characters`;
  const why = `"${source.name}" at ${far.desk} holds ${long}, "${target.name}" at ${side.desk} takes ${most}: longer ones are shortened there, and are whole in a note.`;
  return [
    finding(
      'length-differs',
      [...place, 'to'],
      why,
      `Let "${target.name}" take longer texts, or map onto another field.`,
    ),
  ];
}

function lintOptionNames(
  end: 'from' | 'to',
  at: LintSide,
  row: FieldRow,
  field: CatalogueField,
  place: Place,
): readonly Finding[] {
  const known = at.optionsOf(field);
  return row.options.flatMap((option, index) =>
    checkName([...place, 'options', index, end], `option of "${field.name}"`, option[end], known, at),
  );
}
