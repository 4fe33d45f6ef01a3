/** Checks what a side sends: kinds, what escalates, templates. */
import { isPositive } from '#core/rules/criteria.ts';
import { checkName, checkTwice, namesOf, type Fault, type FaultPath, type LintSide } from './lint-fault.ts';
import { sameName } from '#core/words/names.ts';
import type { Condition } from '#core/rules/settings.ts';
import { placeholders, unknownPlaceholders } from '#core/text/template.ts';
import { findField } from '#core/rules/fields.ts';
import type { Catalogue } from '#core/words/vocabulary.ts';

export function lintOutbound(side: LintSide): readonly Fault[] {
  const { outbound } = side.settings;
  const kinds = namesOf(side.catalogue?.kinds);
  const path = [side.name, 'outbound'];
  const actions = [...path, 'actions'];
  return [
    ...checkTwice(actions, null, outbound.actions),
    ...outbound.actions.flatMap((name, index) => checkName([...actions, index], 'action', name, kinds, side.desk)),
    ...lintEscalates(side, [...path, 'escalates']),
    ...lintTemplates(side, [...path, 'templates']),
  ];
}

function lintEscalates(side: LintSide, path: FaultPath): readonly Fault[] {
  const { escalates } = side.settings.outbound;
  if (side.name === 'supplier') {
    if (escalates === undefined) return [];
    const message = 'Tickets open only from customer to supplier, so nothing escalates here.';
    return [{ code: 'wrong-side', path, message, fix: "Move it to the customer's outbound settings." }];
  }
  if (escalates === undefined) {
    const message = 'Nothing escalates, so no ticket would ever be opened at the supplier.';
    return [
      { code: 'no-escalation', path, message, fix: 'Say what escalates: an action kind, or a field and its value.' },
    ];
  }
  const named = lintCondition(escalates, side, path);
  if (isPositive(escalates)) return named;
  const message = 'It says only what does not escalate, so nearly every action would.';
  return [
    ...named,
    { code: 'escalates-everything', path, message, fix: 'Name an action kind, or a field and its value.' },
  ];
}

function lintCondition(condition: Condition, side: LintSide, path: FaultPath): readonly Fault[] {
  if ('kind' in condition) {
    return checkName([...path, 'kind'], 'action', condition.kind, namesOf(side.catalogue?.kinds), side.desk);
  }
  if ('field' in condition) return lintConditionField(condition, side, path);
  if ('not' in condition) return lintCondition(condition.not, side, [...path, 'not']);
  const [key, parts] = 'all' in condition ? (['all', condition.all] as const) : (['any', condition.any] as const);
  return parts.flatMap((part, index) => lintCondition(part, side, [...path, key, index]));
}

const ownProperties = ['status', 'category', 'type', 'priority', 'summary'] as const;

function lintConditionField(
  { field, equals }: { readonly field: string; readonly equals: string },
  { catalogue, desk }: LintSide,
  path: FaultPath,
): readonly Fault[] {
  if (catalogue === null) return [];
  const known = findField(catalogue.fields, field);
  const property = ownProperties.find((name) => sameName(name, field));
  if (known === undefined && property === undefined) {
    return checkName(
      [...path, 'field'],
      'field',
      field,
      [...catalogue.fields.map(({ name }) => name), ...ownProperties],
      desk,
    );
  }
  const values = known?.options ?? (property === undefined ? undefined : valuesOf(catalogue, property));
  return values === undefined ? [] : checkName([...path, 'equals'], `value of "${field}"`, equals, values, desk);
}

function valuesOf(catalogue: Catalogue, property: (typeof ownProperties)[number]): readonly string[] | undefined {
  switch (property) {
    case 'status':
      return catalogue.statuses.map(({ name }) => name);
    case 'type':
      return catalogue.types.map(({ name }) => name);
    case 'category':
      return catalogue.categories;
    case 'priority':
      return catalogue.priorities;
    case 'summary':
      return undefined;
  }
}

function lintTemplates(side: LintSide, path: FaultPath): readonly Fault[] {
  const { templates } = side.settings.outbound;
  const kinds = namesOf(side.catalogue?.kinds);
  return [
    ...checkTwice(
      path,
      'kind',
      templates.map(({ kind }) => kind),
    ),
    ...templates.flatMap(({ kind, template }, index) => [
      ...(kind === '*' ? [] : checkName([...path, index, 'kind'], 'action', kind, kinds, side.desk)),
      ...unknownPlaceholders(template).map((name): Fault => ({
        code: 'unknown-placeholder',
        path: [...path, index, 'template'],
        message: `{{${name}}} is not a placeholder.`,
        fix: `Use one of ${placeholders.map((known) => `{{${known}}}`).join(', ')}.`,
      })),
    ]),
  ];
}
