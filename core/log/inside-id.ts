/**
 * What an id from outside is called here where another organisation's thing has it already: ids are each origin's own.
 */
import { sha256Hex } from '#core/text/fingerprint.ts';

/**
 * The same for the same scope and id, so that a gateway restored from a backup names it alike. It keeps the id's time, by
 * which ids are ordered. @param scope whose id it is
 */
export function insideId(id: string, scope: string): string {
  const hex = sha256Hex(`${scope}\n${id}`);
  const variant = (0x8 | (Number.parseInt(hex.charAt(3), 16) & 0x3)).toString(16);
  return `${id.slice(0, 13)}-7${hex.slice(0, 3)}-${variant}${hex.slice(4, 7)}-${hex.slice(7, 19)}`.toLowerCase();
}
