/**
 * Evaluates small pure conditions over one action: they test what the action changed, never what the ticket already
 * was.
 */
import { sameName } from '#core/words/names.ts';
import type { Condition } from './settings.ts';
import type { FieldValue, Words } from '#core/words/vocabulary.ts';

/** Deeper conditions never match; nobody would write one. */
const maxDepth = 32;

export function matches(condition: Condition, action: { readonly words: Words }): boolean {
  return holds(condition, action.words, 0);
}

function holds(condition: Condition, words: Words, depth: number): boolean {
  if (depth > maxDepth) return false;
  if ('kind' in condition) return words.kind !== null && sameName(words.kind, condition.kind);
  if ('field' in condition) return equals(changed(words, condition.field), condition.equals);
  if ('all' in condition) return condition.all.every((part) => holds(part, words, depth + 1));
  if ('any' in condition) return condition.any.some((part) => holds(part, words, depth + 1));
  return depth < maxDepth && !holds(condition.not, words, depth + 1);
}

/**
 * Returns the value the action gave the field. The ticket's own properties go by their names, unless a field has that
 * name.
 */
function changed(words: Words, field: string): FieldValue | undefined {
  for (const [name, value] of Object.entries(words.fields)) if (sameName(name, field)) return value;
  for (const property of ['status', 'category', 'type', 'priority', 'summary'] as const) {
    if (sameName(property, field)) return words[property];
  }
  return undefined;
}

function equals(value: FieldValue | undefined, wanted: string): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === 'object') return value.some((one) => sameName(one, wanted));
  return sameName(String(value), wanted);
}

/**
 * Tells whether a match requires some action kind or field value; a condition made only of `not` matches nearly
 * everything.
 */
export function isPositive(condition: Condition): boolean {
  if ('all' in condition) return condition.all.some(isPositive);
  if ('any' in condition) return condition.any.every(isPositive);
  return !('not' in condition);
}

/** Describes a condition for people: `the action is "Escalate" and "Supplier" is set to "Northwind"`. */
export function describeCondition(condition: Condition): string {
  if ('kind' in condition) return `the action is "${condition.kind}"`;
  if ('field' in condition) return `"${condition.field}" is set to "${condition.equals}"`;
  if ('all' in condition) return condition.all.map(nested).join(' and ');
  if ('any' in condition) return condition.any.map(nested).join(' or ');
  return `not ${nested(condition.not)}`;
}

function nested(condition: Condition): string {
  const text = describeCondition(condition);
  return 'all' in condition || 'any' in condition ? `(${text})` : text;
}
