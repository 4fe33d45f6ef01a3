/**
 * Judges what a restored desk has left of a mirrored ticket, by what the log knows of its actions: the same ticket, the
 * same ticket without its latest actions, or another ticket with the same id.
 */
import { isAnother, numberOf, type Identity } from './position.ts';

export type KnownOne = Identity & { readonly id: string };

export type ShownOne = { readonly id: string; readonly made: string; readonly by: string };

export type Judged = {
  /**
   * `behind`: it has lost actions. `other`: none of the known actions is there. `missing`: the ticket does not exist.
   */
  readonly verdict: 'same' | 'behind' | 'other' | 'missing';
  /** Ids of actions that the desk no longer has, or that now differ. */
  readonly lost: readonly string[];
  /** The highest id that is unchanged; null if none is. */
  readonly keptTo: string | null;
  /** When the newest unchanged action was created, by the desk's clock. */
  readonly keptAt: string | null;
};

/** @param shown null if the ticket does not exist @param sameSummary decides for a ticket without known actions */
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
