/** Makes file names safe for disks, headers and readers. */
import { must } from '#core/words/must.ts';

import { cutText, streamSafe } from './text.ts';

const maxCodePoints = 150;
// oxlint-disable-next-line no-control-regex -- C0, C1 and direction marks
const unsafe = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const reserved = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|\s*$)/i;

/**
 * Returns the name to show and to store a file under: normalised, without folders, control characters, direction marks
 * or leading dots, at most 150 code points with its extension kept. Windows' reserved names get a `_`; an empty name
 * becomes `attachment`.
 */
export function safeName(name: string): string {
  const parts = streamSafe(name.toWellFormed()).normalize('NFC').replaceAll(unsafe, '').split(/[/\\]/);
  const base = must(parts.at(-1), 'the last part of a name');
  const bare = trimmed(base);
  const short = shorten(bare);
  if (short === '') return 'attachment';
  return reserved.test(short) ? shorten(`_${short}`) : short;
}

/**
 * Removes dots and blanks at both ends. Scans from the ends, since a regular expression anchored at the end would try
 * every run of them.
 */
function trimmed(name: string): string {
  let start = 0;
  let end = name.length;
  while (start < end && isBlank(name.charAt(start))) start += 1;
  while (end > start && isBlank(name.charAt(end - 1))) end -= 1;
  return name.slice(start, end);
}

function isBlank(character: string): boolean {
  return character === '.' || character.trim() === '';
}

function shorten(name: string): string {
  const points = Array.from(name);
  if (points.length <= maxCodePoints) return name;
  const ending = endingOf(name);
  return cutName(name, points.slice(0, maxCodePoints - ending.length).join('').length + ending.length);
}

/** Cuts to at most this many UTF-16 units, between visible characters, and keeps the extension. */
export function cutName(name: string, most: number): string {
  if (name.length <= most) return name;
  const ending = endingOf(name);
  return cutText(name, most - ending.length, '') + ending;
}

function endingOf(name: string): string {
  return /\.[a-z0-9]{1,10}$/i.exec(name)?.[0] ?? '';
}
