/** Compares what the other gateway has of each lane with what this one remembers, and corrects the difference. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { contactText } from '#core/text/contact.ts';
import type { WireContact, WireLink } from '#core/wire.ts';
import type { Tx } from '#db/base/client.ts';
import {
  compareLanes,
  continueAbove,
  forgetReceived,
  lanesTo,
  requeueAbove,
  type LaneDifference,
} from '#db/links/link-compare.ts';
import { loadLink } from '#db/links/link-life.ts';
import { savePeerSaid, type PeerRow, type Sides } from '#db/links/peers.ts';
import type { PeerOperator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';

export type { LaneDifference } from '#db/links/link-compare.ts';

export type Comparison = {
  /** The other side's current statement about the link. */
  readonly said: WireLink;
  /** Its database was restored, cloned or moved since it was last asked. */
  readonly isOtherDatabase: boolean;
  readonly differences: readonly LaneDifference[];
};

const patienceMs = 60_000;

/** Asks the other side, and stores its statement about the link. @throws Refused peer-unreachable */
export async function compareWithPeer(
  { db, peers }: Pick<PeerOperator, 'db' | 'peers'>,
  link: string,
  peer: PeerRow,
  sides: Sides,
): Promise<Comparison> {
  const calls = peers.calls(peer);
  const signal = AbortSignal.timeout(patienceMs);
  const accepted = new Map<string, number>();
  try {
    const said = await calls.link(signal);
    await savePeerSaid(db, link, said);
    for (let after: string | null = null; ;) {
      const page = await calls.lanes(sides.far ?? 'supplier', after, signal);
      for (const lane of page.lanes) accepted.set(lane.mirror, lane.accepted);
      if (page.next === null) break;
      after = page.next;
    }
    return {
      said,
      isOtherDatabase: peer.said !== null && peer.said.fingerprint !== said.fingerprint,
      differences: compareLanes(await lanesTo(db, link, sides.farInstance), accepted),
    };
  } catch (error) {
    if (!(error instanceof HelpdeskError)) throw error;
    throw new Refused(
      'peer-unreachable',
      'unavailable',
      `the other side could not be asked what it has, so nothing was changed: ${error.message}${onDuty((await loadLink(db, link))?.farContact ?? null)}`,
    );
  }
}

function onDuty(contact: WireContact | null): string {
  return contact === null ? '' : ` On duty there: ${contactText(contact)}.`;
}

export type SetRight = {
  /** The number of deliveries that are sent again. */
  readonly again: number;
  /** The number of deliveries that get a seq after those that the other side has. */
  readonly waiting: number;
};

/** Sorts lanes in the order of their mirrors, in which all code locks them. */
export async function setRight(tx: Tx, differences: readonly LaneDifference[]): Promise<SetRight> {
  let again = 0;
  let waiting = 0;
  for (const one of differences) {
    if (one.kind === 'lost-there') {
      if (one.whole) await forgetReceived(tx, one.lane);
      again += await requeueAbove(tx, one.lane, one.accepted);
    }
    if (one.kind === 'lost-here') waiting += await continueAbove(tx, one.lane, one.accepted);
  }
  return { again, waiting };
}
