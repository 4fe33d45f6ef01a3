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
  /** How the ids of actions behave (core/log/position.ts). If absent, unknown, and each ticket is read whole each time. */
  readonly ids?: 'count' | 'grow';
  /** How far before its position a read looks, and how late an action with a lower id may appear. */
  readonly overlapMs: number;
  /** How long after our write automations and read-backs may lag; exceeds clock skew. */
  readonly settleMs: number;
  /** A write is aborted after this long. */
  readonly writeTimeoutMs: number;
  /** Requests at a time against one instance. */
  readonly concurrency: number;
  /** Ticket creations must not overlap (Halo numbers them wrongly). */
  readonly serializeCreates: boolean;
  readonly noteMaxBytes: number;
  /** Whether its tickets store the references that Ferry writes, and snapshots show them. */
  readonly showsReferences?: boolean;
  /** The sizes beyond which the desk cuts or refuses; absent or null if no limit is known. See `fitCommand`. */
  readonly limits?: DeskLimits | undefined;
  /** Requests allowed per window; null if the product sets no limit. */
  readonly rate: { readonly requests: number; readonly windowMs: number } | null;
};

export type FeedPage = {
  /** External ids of tickets with news, without repeats. */
  readonly tickets: readonly string[];
  /** Opaque; pass it to the next call. */
  readonly cursor: string;
  readonly more: boolean;
  /** Whether the data behind the cursor are missing or different, because the desk was restored. */
  readonly wentBack?: true;
};

/** A desk's position at go-live: later actions are carried, earlier ones are not. */
export type GoLive = {
  /** The feed's position. */
  readonly cursor: string;
  /** Instant of the newest change, by the desk's own clock; null on an empty desk; absent if unknown. */
  readonly newest?: string | null;
  /** The newest id of an action, if ids grow over the whole instance. */
  readonly after?: string;
  /** Tickets that changed so close to it that times don't separate before from after; they are read now. */
  readonly near: readonly string[];
};

export type PerformOptions = {
  /** The marker, stored with the write if the helpdesk can. Unique per write; the same in retries. */
  readonly marker: string;
  /** Aborted by the caller at the write's deadline, as far as a timer can. */
  readonly signal: AbortSignal;
  /** The deadline for every request that changes something, also for the later ones of a step. */
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
  /** Succeeds if the helpdesk is up and our credentials work. */
  ping(signal: AbortSignal): Promise<void>;
  /** * Returns the helpdesk's identity in its own words, which no other helpdesk has. It is the same at every address and for every
   * account. Null if this helpdesk does not identify itself; absent if its product never does.
   */
  identity?(signal: AbortSignal): Promise<string | null>;
  catalogue(signal: AbortSignal): Promise<Catalogue>;
  /** Returns the feed's current position; earlier changes are not carried. */
  feedStart(signal: AbortSignal): Promise<string>;
  /** Returns tickets that changed since the cursor, without gaps under concurrent writers. It may repeat tickets of the overlap. */
  feed(cursor: string, limit: number, signal: AbortSignal): Promise<FeedPage>;
  /** Like feedStart, with the data that separate actions before go-live from later ones. */
  goLive?(signal: AbortSignal): Promise<GoLive>;
  /** Returns a position from which the feed names every ticket that has changed since the instant (by the desk's clock). */
  feedFrom?(instant: string, signal: AbortSignal): Promise<string>;
  /** * Returns the ticket and its actions at or after `since` (instant by the desk's clock; null for all of them). A connector that
   * can uses `after` instead: the action with that id and all higher ones.
   */
  read(ticketId: string, since: string | null, signal: AbortSignal, after?: string): Promise<Reading>;
  /** Says whether the desk itself confirms that a missing ticket was deleted. Absent if it never does. */
  isDeleted?(ticketId: string, signal: AbortSignal): Promise<boolean>;
  /** Splits the command into requests, in order. Pure; never empty. */
  steps(command: Command): readonly Step[];
  /** Makes the change. Throws HelpdeskError, with class `in-doubt` if nobody can know whether it was made. */
  perform(step: Step, options: PerformOptions): Promise<Written>;
  /** * Looks for a write in doubt. Returns what it made, or null if it is certainly absent. Uses the marker if the helpdesk stores it,
   * else the value and the history, with the ids found there. `after`: instant by our clock before which it can't have happened;
   * `clockOffsetMs`: how far the desk's clock is ahead of ours; `others`: ids of actions that are known to be somebody else's, unless
   * the marker says otherwise.
   */
  find(
    step: Step,
    marker: string,
    after: string,
    signal: AbortSignal,
    others?: ReadonlySet<string>,
    clockOffsetMs?: number,
  ): Promise<Written | null>;
  /** Returns the file's bytes as a stream, never buffered whole. */
  openAttachment(ticketId: string, attachmentId: string, signal: AbortSignal): Promise<OpenedAttachment>;
};

/** Returns the ids of tickets that a webhook's body names; nothing else in it is trusted. If empty, Ferry reads the feed. */
export type HintOf = (body: unknown) => readonly string[];

/** Facts about how a helpdesk answers, by keys of its connector; never text that people wrote. */
export type Facts = Readonly<Record<string, string | number | boolean>>;

/** The dependencies of a connector. `take` waits until the instance's request budget allows one more request. */
export type ConnectorContext = {
  readonly instance: string;
  readonly url: string;
  /** Decrypted credentials, as the type's connector defines them. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Type-specific options of the instance, as its `options` schema defines them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Facts that checks found about this helpdesk, see check.ts. Options override them; unknown facts are ignored. */
  readonly learned?: Facts | undefined;
  take(link: string | null, signal: AbortSignal): Promise<void>;
  readonly http: HttpClient;
  /** Ferry's clock; milliseconds. Default: the machine's. */
  readonly now?: () => number;
  /** Receives facts that the connector found during other work; they are stored like those of a check. */
  readonly learn?: (facts: Facts) => void;
  /** Receives what the connector had to leave out, for the log: a stable code, and a sentence without text that people wrote. */
  readonly notice?: (code: string, text: string) => void;
};
