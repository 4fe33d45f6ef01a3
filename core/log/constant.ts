/** The hash of an action's constant part: what both sides of a lane compare, and what a signature will cover. */
import { createHash } from 'node:crypto';
import type { ConstantPart } from '#core/words/vocabulary.ts';

/**
 * SHA-256, lower-case hex, over canonical JSON of the constant part alone: keys in a fixed order, absent ones left out.
 * Attachments count by their digests in order, so they must be staged before; their ids are the holder's and change.
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
