/**
 * Fingerprints say what an echo of a write looks like. A connector promises them with a step and computes them again
 * from what it reads back, so they must survive whatever a helpdesk does to a text on the way: re-indented HTML,
 * other tags, other entities, other quotes' escapes, changed white space, rewritten image URLs.
 *
 * Forms: `note2:<visible|hidden>:<sha256>` (`note:` of earlier versions, which knew fewer entities), `status:<name>`, `field:<name>=<value>`, `file:<name>:<bytes>`. Several
 * changes recorded as one action are one fingerprint, see `fingerprintOf`.
 */
import { createHash } from 'node:crypto';
import type { FieldValue, Visibility } from '#core/words/vocabulary.ts';
import { decodeEntitiesBefore } from './entities-before.ts';
import { decodeHTML, withoutTags } from './plain.ts';
import { streamSafe } from './text.ts';

/** Longer texts are compared by their beginning; no note that is written is as long. Characters. */
const comparedLength = 1024 * 1024;

/**
 * The bare text of HTML or plain text, for comparing only: no tags, no white space at all (a desk may put a line break
 * where another has a tag), lower case, compatibility forms united. Comments, style and script count as nothing.
 */
export function comparableText(html: string): string {
  return comparable(decodeHTML(withoutTags(html.slice(0, comparedLength), () => '')));
}

function comparable(text: string): string {
  return streamSafe(text)
    .normalize('NFKC')
    .replaceAll(/(?:[\s\p{Cf}]|\ufe0e|\ufe0f)+/gu, '')
    .toLowerCase();
}

/** Lower-case hex. */
export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** How texts are compared; the rule of earlier versions is kept while a write may be open that was promised by it. */
type Rule = { readonly note: string; compare(text: string): string };
const today: Rule = { note: 'note2', compare: comparableText };
const before: Rule = {
  note: 'note',
  compare: (html) => comparable(decodeEntitiesBefore(withoutTags(html.slice(0, comparedLength), () => ''))),
};

export function noteFingerprint(note: string, visibility: Visibility): string {
  return byNote(note, visibility, today);
}

export function statusFingerprint(name: string): string {
  return byStatus(name, today);
}

export function fieldFingerprint(name: string, value: FieldValue): string {
  return byField(name, value, today);
}

/** `sizeBytes` null where nobody knows it. */
export function fileFingerprint(name: string, sizeBytes: number | null): string {
  return byFile(name, sizeBytes, today);
}

/** What one recorded action may hold; absent is not mentioned. */
export type Recorded = {
  readonly note: string | null;
  readonly visibility: Visibility;
  readonly status?: string | undefined;
  readonly fields: Readonly<Record<string, FieldValue>>;
  readonly files: readonly { readonly name: string; readonly sizeBytes: number | null }[];
};

/**
 * One fingerprint for one recorded action: by its note if it has one (desks add status and fields by themselves), else
 * by its status, else by its fields in order of name, else by its files.
 */
export function fingerprintOf(recorded: Recorded): string {
  return fingerprintBy(recorded, today);
}

/** The same as versions before `note2:` promised it. */
export function fingerprintBefore(recorded: Recorded): string {
  return fingerprintBy(recorded, before);
}

function fingerprintBy(recorded: Recorded, rule: Rule): string {
  if (recorded.note !== null && rule.compare(recorded.note) !== '') {
    return byNote(recorded.note, recorded.visibility, rule);
  }
  if (recorded.status !== undefined) return byStatus(recorded.status, rule);
  const fields = Object.entries(recorded.fields).map(([name, value]) => byField(name, value, rule));
  if (fields.length > 0) return fields.toSorted().join('&');
  const files = recorded.files.map((file) => byFile(file.name, file.sizeBytes, rule));
  if (files.length > 0) return files.toSorted().join('&');
  return byNote('', recorded.visibility, rule);
}

function byNote(note: string, visibility: Visibility, { note: prefix, compare }: Rule): string {
  return `${prefix}:${visibility}:${sha256Hex(compare(note))}`;
}

function byStatus(name: string, { compare }: Rule): string {
  return `status:${compare(name)}`;
}

function byField(name: string, value: FieldValue, rule: Rule): string {
  return `field:${rule.compare(name)}=${comparableValue(value, rule)}`;
}

function byFile(name: string, sizeBytes: number | null, { compare }: Rule): string {
  return `file:${compare(name)}:${sizeBytes ?? '?'}`;
}

function comparableValue(value: FieldValue, { compare }: Rule): string {
  if (value === null || value === '') return '';
  // A set: order and repeats say nothing.
  if (typeof value === 'object') return [...new Set(value.map(compare))].toSorted().join('|');
  return compare(String(value));
}
