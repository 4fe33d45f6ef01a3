/**
 * Finds changes of a ticket that its desk records on no action, such as Halo's summary and dates when edited on an
 * action's form. A change that appears together with new actions belongs to the last of them. What somebody edits
 * directly, without an action, belongs to none and is not carried.
 */
import type { FieldValue, TicketSnapshot, Words } from '#core/words/vocabulary.ts';
import { sameName, sameSet } from '#core/words/names.ts';

/** The ticket as last read; null if not stored. */
export type Before = { readonly summary: string; readonly fields: Readonly<Record<string, FieldValue>> } | null;

export type Unrecorded = Pick<Words, 'summary' | 'fields'>;

/** @param recorded the words of every action in the same read, by any author */
export function unrecorded(before: Before, now: TicketSnapshot, recorded: readonly Words[]): Unrecorded {
  if (before === null) return { fields: {} };
  const isRecorded = (field: string): boolean =>
    recorded.some((words) => Object.keys(words.fields).some((name) => sameName(name, field)));
  const changed = Object.entries(now.fields).filter(
    ([name, value]) => !isSame(before.fields[name] ?? null, value) && !isRecorded(name),
  );
  const retitled = before.summary !== now.summary && recorded.every((words) => words.summary === undefined);
  return { ...(retitled ? { summary: now.summary } : {}), fields: Object.fromEntries(changed) };
}

function isSame(a: FieldValue, b: FieldValue): boolean {
  if (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null) return sameSet(a, b);
  return a === b;
}
