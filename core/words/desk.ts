/**
 * What a helpdesk shows and what it is asked to do, in the terms that connectors, the database and activities share.
 */
import type { Attachment, Command, Person, SendTo, TicketSnapshot, Visibility, Words } from './vocabulary.ts';

/** One action, as a read of its ticket shows it. */
export type ObservedAction = {
  /** Unique within the ticket. */
  readonly externalId: string;
  /** Instant, UTC, by the desk's clock. */
  readonly at: string;
  /** When it was created, if the desk lets people set another date; absent: at `at`. */
  readonly made?: string;
  /** Role `service` is our own account, `automation` the helpdesk itself. */
  readonly author: Person;
  /** The marker of the write that created it, if the helpdesk stores one. */
  readonly marker?: string;
  /** Fingerprint of the content as read back, by the connector's own rule; comparable with Step.fingerprints. */
  readonly fingerprint: string;
  /** The fingerprint that an earlier version of the connector promised, for writes that may still be open. */
  readonly fingerprintBefore?: string;
  readonly visibility: Visibility;
  readonly sendTo?: SendTo;
  /** The desk mailed somebody outside when this was recorded. */
  readonly mailed?: boolean;
  /**
   * HTML, inline images as `cid:<attachment id>`; null without a note. As the helpdesk stores it when a connector reads
   * it; sanitised before it is logged.
   */
  readonly note: string | null;
  readonly words: Words;
  readonly attachments: readonly Attachment[];
};

export type Reading =
  | {
      readonly kind: 'ticket';
      readonly snapshot: TicketSnapshot;
      /** In the helpdesk's own order, oldest first. */
      readonly actions: readonly ObservedAction[];
      /** Changes whenever anything about the ticket changes; absent if the desk has no such value. */
      readonly mark?: string;
      /** All of the ticket's actions are here, although fewer were requested. */
      readonly isWhole?: true;
      /** Further ids of the ticket that are not its own actions: they are not gaps. */
      readonly others?: readonly string[];
    }
  | {
      readonly kind: 'merged';
      readonly into: string;
      /** Notes at or after `since` that still have the ticket's own id; absent if there are none. */
      readonly notes?: readonly ObservedAction[];
    }
  /** It does not exist for us at this moment; see Helpdesk.isDeleted. */
  | { readonly kind: 'gone' };

/** One request's share of a command. Plain JSON: it is stored before it is performed. */
export type Step = {
  readonly name: 'open' | 'content' | 'fields' | 'status' | 'all' | 'reference' | 'attachment';
  /** The part of the command that this step carries out. */
  readonly command: Command;
  /** What an echo of this step looks like; one step may create several actions. */
  readonly fingerprints: readonly string[];
};

/** The result of a performed step. */
export type Written = {
  readonly ticketId: string;
  /** Ids of the actions that the write created, if the reply names them; the read-back finds the rest. */
  readonly actionIds: readonly string[];
  /** The far ticket's number and URL; with `open` only. */
  readonly number?: string;
  readonly url?: string;
};
