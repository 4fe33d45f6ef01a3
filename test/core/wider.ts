/** The order of audiences, written down a second time: no note's audience may grow without a rule. */
import type { Audience } from '#core/words/vocabulary.ts';

const order: readonly Audience[] = ['team', 'desks', 'user'];

export function isWider(a: Audience, than: Audience): boolean {
  return order.indexOf(a) > order.indexOf(than);
}
