/** Renames an id from outside that collides with another organisation's: each origin mints its own ids. */
import { sha256Hex } from '#core/text/fingerprint.ts';

/**
 * Derives the local id. The same scope and id always give the same result, so a restored gateway assigns the same name.
 * The id's timestamp, which ids are ordered by, is kept. @param scope the owner of the id
 */
export function insideId(id: string, scope: string): string {
  const hex = sha256Hex(`${scope}\n${id}`);
  const variant = (0x8 | (Number.parseInt(hex.charAt(3), 16) & 0x3)).toString(16);
  return `${id.slice(0, 13)}-7${hex.slice(0, 3)}-${variant}${hex.slice(4, 7)}-${hex.slice(7, 19)}`.toLowerCase();
}
