/** What a decision is made from: the action as it may leave, and the receiving side's rules, catalogue and ticket. */
import type { ActionRow, Inbound, SideSettings } from '#core/rules/settings.ts';
import type { MirrorView } from '#core/words/mirror.ts';
import type { Catalogue, CatalogueKind, LinkMode, TicketSnapshot, Words } from '#core/words/vocabulary.ts';
import type { Change } from './meet.ts';
import type { Outgoing } from './send.ts';

export type DecideInput = {
  readonly outgoing: Outgoing;
  /** The action opens the mirror, or tries to again. */
  readonly escalation: boolean;
  /** Seen from the receiving ticket: `side` is the receiving side. */
  readonly mirror: MirrorView;
  readonly inbound: Inbound;
  readonly account: SideSettings['account'];
  /** The receiving desk's. */
  readonly catalogue: Catalogue;
  /** The receiving ticket as last read; null while it is still to be opened, or unknown. */
  readonly snapshot: TicketSnapshot | null;
  /** What the log knows of changes of the receiving ticket; see meet.ts. */
  readonly changes?: readonly Change[] | undefined;
  /** Instant, UTC, at which the action came into this gateway's log. */
  readonly takenIn?: string | undefined;
  /** Display name of the sending instance. */
  readonly senderName: string;
  /** Instant, UTC. */
  readonly now: string;
  /** When the far desk recorded the action, by its clock; the action's own time where absent. */
  readonly committedAt?: string | undefined;
  readonly linkMode: LinkMode;
  /** Accounts that stand for other links at this desk; only named in the reason. */
  readonly otherAccounts?: readonly string[] | undefined;
  /** Language of what Ferry itself writes. */
  readonly language?: 'en' | undefined;
  /** Somebody released it after it had been held: it says when it was written, and is not held for being late again. */
  readonly releasedLate?: { readonly writtenAt: string } | undefined;
  /** It had been refused and is carried once more: it mails nobody. */
  readonly quiet?: boolean | undefined;
};

export type TranslateInput = {
  readonly words: Words;
  readonly inbound: Inbound;
  readonly catalogue: Catalogue;
  /** The receiving ticket; null: nothing is known to be so already. */
  readonly snapshot: TicketSnapshot | null;
  /** The ticket is being opened. */
  readonly opening: boolean;
  readonly row: ActionRow | undefined;
  readonly target: CatalogueKind | undefined;
  /** A change without note, files and mapped kind: only fields that travel `always` go. */
  readonly bare: boolean;
};
