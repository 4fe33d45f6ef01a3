/** The inputs of a decision: the action as it may leave, and the receiving side's rules, catalogue and ticket. */
import type { ActionRow, Inbound, SideSettings } from '#core/rules/settings.ts';
import type { MirrorView } from '#core/words/mirror.ts';
import type { Catalogue, CatalogueKind, LinkMode, TicketSnapshot, Words } from '#core/words/vocabulary.ts';
import type { Change } from './meet.ts';
import type { Outgoing } from './send.ts';

export type DecideInput = {
  readonly outgoing: Outgoing;
  /** The action opens the mirror, or is a second attempt to open it. */
  readonly escalation: boolean;
  /** Seen from the receiving ticket: `side` is the receiving side. */
  readonly mirror: MirrorView;
  readonly inbound: Inbound;
  readonly account: SideSettings['account'];
  /** The receiving desk's catalogue. */
  readonly catalogue: Catalogue;
  /** The receiving ticket as last read; null while it is still to be opened, or unknown. */
  readonly snapshot: TicketSnapshot | null;
  /** Changes of the receiving ticket that the log knows; see meet.ts. */
  readonly changes?: readonly Change[] | undefined;
  /** Instant, UTC, at which this gateway logged the action. */
  readonly takenIn?: string | undefined;
  /** Display name of the sending instance. */
  readonly senderName: string;
  /** Instant, UTC. */
  readonly now: string;
  /** When the far desk recorded the action, by its clock; where absent, the action's own time applies. */
  readonly committedAt?: string | undefined;
  readonly linkMode: LinkMode;
  /** Accounts that represent other links at this desk; only used in the text of a reason. */
  readonly otherAccounts?: readonly string[] | undefined;
  /** Language of Ferry's own texts. */
  readonly language?: 'en' | undefined;
  /**
   * Set when somebody released the action after it had been held: the note then says when it was written, and is not
   * held again for being late.
   */
  readonly releasedLate?: { readonly writtenAt: string } | undefined;
  /** It had been refused and is carried once more: it mails nobody. */
  readonly quiet?: boolean | undefined;
};

export type TranslateInput = {
  readonly words: Words;
  readonly inbound: Inbound;
  readonly catalogue: Catalogue;
  /** The receiving ticket; null if its current values are unknown, so that nothing counts as unchanged. */
  readonly snapshot: TicketSnapshot | null;
  /** The ticket is being opened. */
  readonly opening: boolean;
  readonly row: ActionRow | undefined;
  readonly target: CatalogueKind | undefined;
  /** A change without note, files or mapped kind: only fields mapped with `always` are carried. */
  readonly bare: boolean;
};
