/** A mirror's life, as the deciding functions see it. */
import type { SideName, LinkMode } from './vocabulary.ts';

/** `shadow` mirrors have no far ticket; going live closes them. */
export const mirrorStates = ['opening', 'open', 'closed', 'refused'] as const;
export type MirrorState = (typeof mirrorStates)[number];

export const closeReasons = ['done', 'gone', 'merged', 'wrong-account', 'shadow-ended', 'link-closed'] as const;
export type CloseReason = (typeof closeReasons)[number];

/** A mirror as seen from one of its two tickets. */
export type MirrorView = {
  readonly id: string;
  readonly link: string;
  readonly state: MirrorState;
  readonly closeReason: CloseReason | null;
  /** Instant at which it closed, or null. */
  readonly closedAt: string | null;
  readonly mode: LinkMode;
  /** A newer mirror of the same ticket on the same link exists. */
  readonly superseded: boolean;
  readonly paused: boolean;
  /** The side of the ticket in question. */
  readonly side: SideName;
  readonly customer: {
    readonly instance: string;
    readonly name: string;
    readonly ticketId: string;
    readonly number: string;
    readonly url: string;
  };
  /** Ticket id, number and url are null until the supplier's ticket is open. */
  readonly supplier: {
    readonly instance: string;
    readonly name: string;
    readonly ticketId: string | null;
    readonly number: string | null;
    readonly url: string | null;
  };
};

/** For how many days replies still travel, and may reopen the mirror, after both statuses are closed. */
export const reopenDays = 30;
