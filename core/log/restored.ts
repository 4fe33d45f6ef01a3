/**
 * What a restored desk has made of a mirrored ticket, by what the log knows of its actions: the same ticket, the same
 * without its latest actions, or another one under the same id.
 */
import { isAnother, numberOf, type Identity } from './position.ts';

export type KnownOne = Identity & { readonly id: string };

export type ShownOne = { readonly id: string; readonly made: string; readonly by: string };

export type Judged = {
  /** `behind`: it has lost actions. `other`: nothing of it is what is known. `missing`: it is not there. */
  readonly verdict: 'same' | 'behind' | 'other' | 'missing';
  /** Ids of actions that the desk no longer has, or has otherwise. */
  readonly lost: readonly string[];
  /** The highest id that is what it was; null where none is. */
  readonly keptTo: string | null;
  /** When the newest of those was made, by the desk's clock. */
  readonly keptAt: string | null;
};

/** @param shown null where the ticket is not there @param sameSummary for a ticket of which no action is known */
export function judgeRestored(
  known: readonly KnownOne[],
  shown: readonly ShownOne[] | null,
  sameSummary: boolean,
): Judged {
  if (shown === null) return { verdict: 'missing', lost: known.map(({ id }) => id), keptTo: null, keptAt: null };
  const byId = new Map(shown.map((one) => [one.id, one]));
  const isKept = (one: KnownOne): boolean => {
    const now = byId.get(one.id);
    return now !== undefined && !isAnother(one, now);
  };
  const kept = known.filter(isKept);
  const lost = known.filter((one) => !isKept(one)).map(({ id }) => id);
  let top: ShownOne | null = null;
  let keptAt: string | null = null;
  for (const { id } of kept) {
    const now = byId.get(id);
    if (now === undefined) continue;
    if (top === null || (numberOf(id) ?? 0) > (numberOf(top.id) ?? 0)) top = now;
    if (keptAt === null || Date.parse(now.made) > Date.parse(keptAt)) keptAt = now.made;
  }
  const isOther = kept.length === 0 && (known.length > 0 || !sameSummary);
  const verdict = isOther ? 'other' : lost.length > 0 ? 'behind' : 'same';
  return { verdict, lost, keptTo: top?.id ?? null, keptAt };
}
