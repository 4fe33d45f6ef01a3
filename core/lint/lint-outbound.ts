/** What leaves a side: kinds, what escalates, templates. */
import { isPositive } from '#core/rules/criteria.ts';
import type { Condition } from '#core/rules/settings.ts';
import { placeholders, unknownPlaceholders } from '#core/text/template.ts';
import { sameName } from '#core/words/names.ts';
import { checkName, checkTwice } from './check-names.ts';
import { finding, type Finding, type Place } from './finding.ts';
import { knownTexts, type KnownNames } from './known-names.ts';
import { fieldOf, type LintSide } from './lint-side.ts';

export function lintOutbound(side: LintSide): readonly Finding[] {
  const { outbound } = side.settings;
  const place = [side.name, 'outbound'];
  const actions = [...place, 'actions'];
  return [
    ...checkTwice(actions, null, outbound.actions),
    ...outbound.actions.flatMap((name, index) => checkName([...actions, index], 'action', name, side.kinds, side)),
    ...lintEscalates(side, [...place, 'escalates']),
    ...lintTemplates(side, [...place, 'templates']),
  ];
}

function lintEscalates(side: LintSide, place: Place): readonly Finding[] {
  const { escalates } = side.settings.outbound;
  if (side.name === 'supplier') {
    if (escalates === undefined) return [];
    const why = 'Tickets open only from customer to supplier, so nothing escalates here.';
    return [finding('wrong-side', place, why, "Move it to the customer's outbound settings.")];
  }
  if (escalates === undefined) {
    const why = 'Nothing escalates, so no ticket would ever be opened at the supplier.';
    return [finding('no-escalation', place, why, 'Say what escalates: an action kind, or a field and its value.')];
  }
  const named = lintCondition(escalates, side, place);
  if (isPositive(escalates)) return named;
  const why = 'It says only what does not escalate, so nearly every action would.';
  return [...named, finding('escalates-everything', place, why, 'Name an action kind, or a field and its value.')];
}

/** Deeper conditions never match. */
const deepest = 32;

function lintCondition(condition: Condition, side: LintSide, place: Place, depth = 0): readonly Finding[] {
  if (depth > deepest) return [];
  if ('kind' in condition) return checkName([...place, 'kind'], 'action', condition.kind, side.kinds, side);
  if ('field' in condition) return lintConditionField(condition, side, place);
  if ('not' in condition) return lintCondition(condition.not, side, [...place, 'not'], depth + 1);
  const [key, parts] = 'all' in condition ? (['all', condition.all] as const) : (['any', condition.any] as const);
  return parts.flatMap((part, index) => lintCondition(part, side, [...place, key, index], depth + 1));
}

const ownProperties = ['status', 'category', 'type', 'priority', 'summary'] as const;

function lintConditionField(
  { field, equals }: { readonly field: string; readonly equals: string },
  side: LintSide,
  place: Place,
): readonly Finding[] {
  if (side.fields === null) return [];
  const known = fieldOf(side, field);
  const property = ownProperties.find((name) => sameName(name, field));
  if (known === undefined && property === undefined)
    return checkName([...place, 'field'], 'field', field, knownTexts([...side.fields.all, ...ownProperties]), side);
  const values: KnownNames<unknown> | null =
    known?.options === undefined ? (property === undefined ? null : valuesOf(side, property)) : side.optionsOf(known);
  return checkName([...place, 'equals'], `value of "${field}"`, equals, values, side);
}

function valuesOf(side: LintSide, property: (typeof ownProperties)[number]): KnownNames<unknown> | null {
  switch (property) {
    case 'status':
      return side.statuses;
    case 'type':
      return side.types;
    case 'category':
      return side.categories;
    case 'priority':
      return side.priorities;
    case 'summary':
      return null;
  }
}

function lintTemplates(side: LintSide, place: Place): readonly Finding[] {
  const { templates } = side.settings.outbound;
  return [
    ...checkTwice(
      place,
      'kind',
      templates.map(({ kind }) => kind),
    ),
    ...templates.flatMap(({ kind, template }, index) => [
      ...(kind === '*' ? [] : checkName([...place, index, 'kind'], 'action', kind, side.kinds, side)),
      ...unknownPlaceholders(template).map((name) =>
        finding(
          'unknown-placeholder',
          [...place, index, 'template'],
          `{{${name}}} is not a placeholder.`,
          `Use one of ${placeholders.map((known) => `{{${known}}}`).join(', ')}.`,
        ),
      ),
    ]),
  ];
}
