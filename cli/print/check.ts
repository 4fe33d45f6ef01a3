/** Prints one check of a pairing as a line. */
import { otherSide } from '#core/words/ends.ts';
import type { SideName } from '#core/words/vocabulary.ts';
import type { Check } from '#operate/pairing/progress.ts';
import { printable } from './text.ts';

export function checkLine(
  { name, direction, ok, text }: Check,
  { side }: { /** Ours. */ readonly side: SideName },
): string {
  const far = otherSide(side);
  const way = direction === 'ours' ? `${side} → ${far}` : `${far} → ${side}`;
  return printable(`${ok ? '✓' : '✗'} ${way}  ${name}: ${text}`);
}
