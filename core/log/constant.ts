/** Hashes an action's constant part. Both sides of a lane compare the hash; signatures cover the same text. */
import { createHash } from 'node:crypto';
import type { ConstantPart } from '#core/words/vocabulary.ts';

/**
 * Computes SHA-256, as lower-case hex, over canonical JSON of the constant part alone: keys in a fixed order, absent
 * ones left out. Attachments count by their digests, in order, so they must be staged first; their ids differ from
 * store to store.
 */
export function constantHash(part: ConstantPart): string {
  return createHash('sha256').update(canonicalConstant(part)).digest('hex');
}

export function canonicalConstant({ id, origin, author, at, audience, note, attachments }: ConstantPart): string {
  const { name, email, role } = author;
  return JSON.stringify({
    at,
    attachments: attachments.map(({ sha256 }) => sha256),
    audience,
    author: { email, name, role },
    id,
    note,
    origin,
  });
}
