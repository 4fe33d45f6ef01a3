/**
 * Fingerprints describe what an echo of a write looks like. A connector promises them with a step and computes them
 * again from what it reads back, so they must survive whatever a helpdesk does to a text: re-indented HTML, other tags,
 * other entities, other escapes of quotes, changed white space, rewritten image URLs.
 *
 * Forms: `note2:<visible|hidden>:<sha256>` (`note:` in earlier versions, which knew fewer entities), `status:<name>`,
 * `field:<name>=<value>`, `file:<name>:<bytes>`. Several changes recorded as one action make one fingerprint, see
 * `fingerprintOf`.
 */
import { createHash } from 'node:crypto';
import type { FieldValue, Visibility } from '#core/words/vocabulary.ts';
import { decodeEntitiesBefore } from './entities-before.ts';
import { decodeHTML, withoutTags } from './plain.ts';
import { streamSafe } from './text.ts';

/** Longer texts are compared only up to here; no note that is written is that long. Characters. */
const comparedLength = 1024 * 1024;

/**
 * Reduces HTML or plain text to bare text, for comparison only: no tags, no white space at all (one desk may put a line
 * break where another has a tag), lower case, compatibility forms unified. Comments, styles and scripts are ignored.
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

/** Returns lower-case hex. */
export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** How texts are compared. The rule of earlier versions remains while a write promised under it may still be open. */
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

/** `sizeBytes` is null if unknown. */
export function fileFingerprint(name: string, sizeBytes: number | null): string {
  return byFile(name, sizeBytes, today);
}

/** What one recorded action may contain; absent means not mentioned. */
export type Recorded = {
  readonly note: string | null;
  readonly visibility: Visibility;
  readonly status?: string | undefined;
  readonly fields: Readonly<Record<string, FieldValue>>;
  readonly files: readonly { readonly name: string; readonly sizeBytes: number | null }[];
};

/**
 * Computes one fingerprint for one recorded action: from its note if it has one (desks add status and fields on their
 * own), else from its status, else from its fields in order of name, else from its files.
 */
export function fingerprintOf(recorded: Recorded): string {
  return fingerprintBy(recorded, today);
}

/** Computes the fingerprint that versions before `note2:` promised. */
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
  // A set: order and repeats do not matter.
  if (typeof value === 'object') return [...new Set(value.map(compare))].toSorted().join('|');
  return compare(String(value));
}
