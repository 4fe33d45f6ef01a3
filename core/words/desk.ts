/** What a helpdesk shows and what it is asked to do, in the terms that connectors, the database and activities share. */
import type { Attachment, Command, Person, SendTo, TicketSnapshot, Visibility, Words } from './vocabulary.ts';

/** One action as a read of its ticket shows it. */
export type ObservedAction = {
  /** Unique within the ticket. */
  readonly externalId: string;
  /** Instant, UTC, by the desk's clock. */
  readonly at: string;
  /** When it was made, where the desk lets people date it otherwise; absent: at `at`. */
  readonly made?: string;
  /** Role `service` is our own account, `automation` the helpdesk itself. */
  readonly author: Person;
  /** The marker of the write that made it, where the helpdesk keeps one. */
  readonly marker?: string;
  /** Of the content as read back, by the connector's own rule; comparable with Step.fingerprints. */
  readonly fingerprint: string;
  /** The same as an earlier version of the connector promised it, for writes that may be open since then. */
  readonly fingerprintBefore?: string;
  readonly visibility: Visibility;
  readonly sendTo?: SendTo;
  /** The desk mailed somebody outside when this was recorded. */
  readonly mailed?: boolean;
  /** HTML, inline images as `cid:<attachment id>`; null without a note. As the helpdesk has it when a connector reads it, sanitised once it is to be logged. */
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
      /** Differs whenever anything of the ticket has changed; absent where the desk says nothing of the sort. */
      readonly mark?: string;
      /** All of its actions are here, though fewer were asked for. */
      readonly isWhole?: true;
      /** Ids that the ticket has besides, of what is no action of its own: they leave no gap. */
      readonly others?: readonly string[];
    }
  | {
      readonly kind: 'merged';
      readonly into: string;
      /** Notes at or after `since` that are still known by the ticket's own id; absent where there are none. */
      readonly notes?: readonly ObservedAction[];
    }
  /** It is not there, for us and now; see Helpdesk.isDeleted. */
  | { readonly kind: 'gone' };

/** One request's worth of a command. Plain JSON: it is stored before it is performed. */
export type Step = {
  readonly name: 'open' | 'content' | 'fields' | 'status' | 'all' | 'reference' | 'attachment';
  /** The part of the command that this step carries out. */
  readonly command: Command;
  /** What an echo of this step looks like; one step may cause several actions. */
  readonly fingerprints: readonly string[];
};

/** What a performed step made. */
export type Written = {
  readonly ticketId: string;
  /** Ids of the actions the write made, where the reply tells them; the read-back finds the rest. */
  readonly actionIds: readonly string[];
  /** The far ticket's number and URL; with `open` only. */
  readonly number?: string;
  readonly url?: string;
};

/** What somebody else needs to delete what a trial wrote, and to set back what it changed. */
export type TrialRecord = {
  /** The ticket before anything was written. */
  readonly before: TicketSnapshot;
  /** Ids of the actions that were there before. */
  readonly known: readonly string[];
  /** Names of what it set: only what still is as it set it is set back. */
  readonly statuses: readonly string[];
  readonly fields: readonly string[];
  readonly summary: boolean;
};
