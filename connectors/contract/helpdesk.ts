/**
 * The contract between Ferry and one helpdesk. A connector speaks to one type of helpdesk and knows nothing of
 * links, mirrors, lanes or the database. Every connector passes the same suite (test/connectors/contract.ts).
 */
import type { Readable } from 'node:stream';
import type { DeskLimits } from '#core/conversation/fit.ts';
import type { Reading, Step, Written } from '#core/words/desk.ts';
import type { HttpClient } from './http.ts';
import type { NotAfter } from './not-after.ts';
import type { Attachment, Catalogue, Command, TicketSnapshot } from '#core/words/vocabulary.ts';

/** What the courier and the watcher must know about a type of helpdesk. Durations in milliseconds. */
export type Traits = {
  /** How the ids of actions behave (core/log/position.ts). Absent: nobody knows, and each ticket is read whole each time. */
  readonly ids?: 'count' | 'grow';
  /** How far before its position a read looks, and how late an action with a lower id may appear. */
  readonly overlapMs: number;
  /** How long after our write automations and read-backs may still trail; exceeds clock skew. */
  readonly settleMs: number;
  /** A write is aborted after this long. */
  readonly writeTimeoutMs: number;
  /** Requests at a time against one instance. */
  readonly concurrency: number;
  /** Ticket creations must not overlap (Halo numbers them wrongly). */
  readonly serializeCreates: boolean;
  readonly noteMaxBytes: number;
  /** Its tickets keep the references that Ferry writes, and snapshots show them. */
  readonly showsReferences?: boolean;
  /** What the desk cuts or refuses by itself; absent or null where it has no limit that is known. See `fitCommand`. */
  readonly limits?: DeskLimits | undefined;
  /** Requests allowed per window; null where the product sets no limit. */
  readonly rate: { readonly requests: number; readonly windowMs: number } | null;
};

export type FeedPage = {
  /** External ids of tickets with news, without repeats. */
  readonly tickets: readonly string[];
  /** Opaque; goes into the next call. */
  readonly cursor: string;
  readonly more: boolean;
  /** The desk no longer has, or shows otherwise, what the cursor was made from: it was restored. */
  readonly wentBack?: true;
};

/** Where a desk is when it goes live: what was done before is not carried, what is done afterwards is. */
export type GoLive = {
  /** The feed's position. */
  readonly cursor: string;
  /** Instant of the newest change, by the desk's own clock; null on an empty desk; absent where it can't be told. */
  readonly newest?: string | null;
  /** The newest id of an action, where ids grow over the whole instance. */
  readonly after?: string;
  /** Tickets that changed so close to it that times do not tell what was before; they are read now. */
  readonly near: readonly string[];
};

export type PerformOptions = {
  /** Goes with the write wherever the helpdesk can keep it. Unique per write; survives retries. */
  readonly marker: string;
  /** Aborted by the caller at the write's deadline, as far as a timer can. */
  readonly signal: AbortSignal;
  /** Goes with every request that changes something, also with the later ones of a step. */
  readonly notAfter: NotAfter;
  /** Link id, for fairness between links. */
  readonly link: string;
  /** The ticket as last read, for conditional writes. */
  readonly snapshot: TicketSnapshot | null;
  /** Opens a staged attachment for upload; may be called again for a retry. */
  openStaged(attachment: Attachment): Readable;
};

export type OpenedAttachment = {
  readonly stream: Readable;
  readonly sizeBytes: number | null;
  readonly type: string | null;
};

export type Helpdesk = {
  readonly traits: Traits;
  /** Answers when the helpdesk is up and our credentials work. */
  ping(signal: AbortSignal): Promise<void>;
  /**
   * Which helpdesk this is, in its own words, which no other one says; the same at whatever address it is reached, and
   * whoever asks. Null where it says nothing of the kind; absent where its product never does.
   */
  identity?(signal: AbortSignal): Promise<string | null>;
  catalogue(signal: AbortSignal): Promise<Catalogue>;
  /** The feed's position now: what lies before is not carried. */
  feedStart(signal: AbortSignal): Promise<string>;
  /** Tickets that changed since the cursor, without gaps under concurrent writers; may repeat tickets of the overlap, never needs to. */
  feed(cursor: string, limit: number, signal: AbortSignal): Promise<FeedPage>;
  /** As feedStart, with what tells the times before from those after. */
  goLive?(signal: AbortSignal): Promise<GoLive>;
  /** A position from which the feed names every ticket that has changed since the instant (by the desk's clock). */
  feedFrom?(instant: string, signal: AbortSignal): Promise<string>;
  /**
   * The ticket and its actions at or after `since` (instant by the desk's clock; null: all of them). A connector that can
   * tells by `after` instead: the action of that id and all above it.
   */
  read(ticketId: string, since: string | null, signal: AbortSignal, after?: string): Promise<Reading>;
  /** Whether the desk itself says that a ticket that is not there was deleted. Absent: it says nothing of the sort. */
  isDeleted?(ticketId: string, signal: AbortSignal): Promise<boolean>;
  /** Pure: how the command is split into requests, in order. Never empty. */
  steps(command: Command): readonly Step[];
  /** Makes the change. Throws HelpdeskError; class `in-doubt` when nobody can know whether it was made. */
  perform(step: Step, options: PerformOptions): Promise<Written>;
  /**
   * Looks for a write in doubt: what it made, or null when it is surely not there. By the marker where the helpdesk keeps
   * it, else by the value and the history, with the ids found there. `after`: instant of ours before which it can't have
   * happened; `clockOffsetMs`: how far the desk's clock is ahead of ours. `others`: ids of actions that are known to be somebody else's; the marker counts for more.
   */
  find(
    step: Step,
    marker: string,
    after: string,
    signal: AbortSignal,
    others?: ReadonlySet<string>,
    clockOffsetMs?: number,
  ): Promise<Written | null>;
  /** The file's bytes as a stream; never buffered whole. */
  openAttachment(ticketId: string, attachmentId: string, signal: AbortSignal): Promise<OpenedAttachment>;
};

/** Ids of tickets a webhook's body names; never trusted beyond that. Empty: look at the feed. */
export type HintOf = (body: unknown) => readonly string[];

/** How a helpdesk answers, in words of its connector's own; never what people wrote. */
export type Facts = Readonly<Record<string, string | number | boolean>>;

/** What a connector is given. `take` waits until the instance's request budget allows one more request. */
export type ConnectorContext = {
  readonly instance: string;
  readonly url: string;
  /** Decrypted credentials, as the type's connector defines them. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Type-specific options of the instance, as its `options` schema defines them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What checks have found out about this helpdesk, see check.ts. Options win; facts that a connector does not know are ignored. */
  readonly learned?: Facts | undefined;
  take(link: string | null, signal: AbortSignal): Promise<void>;
  readonly http: HttpClient;
  /** Ferry's clock, by which instants of ours are given; milliseconds. Absent: that of the machine. */
  readonly now?: () => number;
  /** Told what the connector found out by the way; kept with the instance as what a check finds out is. */
  readonly learn?: (facts: Facts) => void;
  /** Told what the connector had to leave out, for the log: a stable code, and a sentence without what people wrote. */
  readonly notice?: (code: string, text: string) => void;
};
