/** Reads the progress of a pairing or a run of checks. */
import { loadLink, type LinkRow } from '#db/links/link-life.ts';
import { loadPairing, type Check, type Pairing } from '#db/links/pairings.ts';
import type { Operator } from '#operate/operator.ts';
import { allow, inReach } from '#operate/rights.ts';

export type { Check } from '#db/links/pairings.ts';

export type PairingProgress = Pick<Pairing, 'link' | 'side' | 'state'> & {
  readonly checks: readonly Check[];
  /** Id of the link; null until it exists, or if the pairing failed. */
  readonly linkState: LinkRow['state'] | null;
};

/** Returns null if the pairing no longer exists. */
export async function pairingProgress(operator: Operator, id: string): Promise<PairingProgress | null> {
  allow(operator, 'link-status');
  const row = await loadPairing(operator.db, id);
  if (row === null) return null;
  inReach(operator, row.link);
  const { link, side, state, checks } = row;
  return { link, side, state, checks, linkState: (await loadLink(operator.db, link))?.state ?? null };
}
