/** What an oracle may find. It looks at the desks and at what people did there, and at nothing of Ferry's. */

/**
 * - `lost`: it never arrived, although something written after it did.
 * - `stuck`: it has not arrived in time, nor has anything after it.
 * - `doubled`: it is there more than once, or came back to where it was written.
 * - `misplaced`: it is on another ticket, or in another order than it was written.
 * - `leaked`: a private note has left, something came to a third desk, or what was for agents is public.
 * - `changed`: a status or a field has a value that nobody set, or the two desks differ.
 */
export const sorts = ['lost', 'stuck', 'doubled', 'misplaced', 'leaked', 'changed'] as const;
export type Sort = (typeof sorts)[number];

export type Finding = { readonly sort: Sort; readonly text: string };

export function countsOf(findings: readonly Finding[]): Readonly<Record<Sort, number>> {
  const counts: Record<Sort, number> = { lost: 0, stuck: 0, doubled: 0, misplaced: 0, leaked: 0, changed: 0 };
  for (const { sort } of findings) counts[sort] += 1;
  return counts;
}
