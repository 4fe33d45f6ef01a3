/** Builds a note and its author as the receiving desk shows them. */
import { defuseTagsInHtml } from '#core/text/defuse.ts';
import { sanitise } from '#core/text/html.ts';
import { findRow } from '#core/words/names.ts';
import type { Inbound } from '#core/rules/settings.ts';
import { minute } from '#core/text/template.ts';
import { cleanText, escapeHtml } from '#core/text/text.ts';
import type { Action, Command, Person } from '#core/words/vocabulary.ts';

/**
 * Sanitises the note whatever arrived, defuses other desks' mail tags, replaces missing images with placeholders, and
 * adds the time of writing if somebody released the note late.
 */
export function noteHere(
  { note, attachments }: Pick<Action, 'note' | 'attachments'>,
  now: string,
  releasedLate: { readonly writtenAt: string } | undefined,
): string | null {
  if (note === null) return null;
  const safe = defuseTagsInHtml(sanitise(note, { images: new Set(attachments.map(({ id }) => id)) }));
  if (releasedLate === undefined) return safe;
  return `<p><em>${escapeHtml(`Written ${written(releasedLate.writtenAt, now)}, delivered late.`)}</em></p>${safe}`;
}

/** Formats the time as `09:12 UTC` on the same day, otherwise with the date. */
function written(at: string, now: string): string {
  const full = minute(at);
  const [day, ...time] = full.split(' ');
  return day !== undefined && now.startsWith(day) ? time.join(' ') : full;
}

/**
 * Formats the author as `Ann Lee (Northwind)` and adds the local account if this desk's owner has mapped the person.
 */
export function authorHere({ name, email }: Person, senderName: string, { people }: Inbound): Command['author'] {
  const row = findRow(people, email) ?? findRow(people, name);
  const shown = oneLine(name);
  const display = shown === '' ? oneLine(senderName) : `${shown} (${oneLine(senderName)})`;
  return row === undefined ? { display } : { display, localAccount: row.to };
}

/** Puts a name or summary on one line and removes control characters. */
export function oneLine(text: string): string {
  return cleanText(text).replaceAll(/\s+/gu, ' ').trim();
}
