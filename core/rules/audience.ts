/** Determines who may see a note from how it shows where it was written, and how it shows where it arrives. */
import type { Audience, SideName, Visibility } from '#core/words/vocabulary.ts';

const width: Readonly<Record<Audience, number>> = { team: 0, desks: 1, user: 2 };

/**
 * Determines a note's audience (design §2). At the supplier, visible means agents of both sides and hidden means its
 * team. At the customer, visible includes the end user; hidden means agents of both sides if it is sent, otherwise the
 * team. Unknown means the team.
 */
export function audienceOf(visibility: Visibility, side: SideName, sent: boolean): Audience {
  if (visibility === 'unknown') return 'team';
  if (side === 'supplier') return visibility === 'visible' ? 'desks' : 'team';
  if (visibility === 'visible') return 'user';
  return sent ? 'desks' : 'team';
}

/** Returns how a note with this audience shows at the receiving side; null if it is not carried there. */
export function visibilityFor(audience: Audience, side: SideName): 'visible' | 'hidden' | null {
  if (audience === 'team') return null;
  return side === 'supplier' || audience === 'user' ? 'visible' : 'hidden';
}

export function narrower(a: Audience, b: Audience): Audience {
  return width[a] <= width[b] ? a : b;
}

export function isWider(a: Audience, than: Audience): boolean {
  return width[a] > width[than];
}
