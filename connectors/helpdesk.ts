/**
 * The contract between Ferry and one helpdesk. A connector speaks to one type of helpdesk and knows nothing of
 * links, mirrors, lanes or the database. Every connector passes the same suite (test/connectors/contract.ts).
 */
import type { Readable } from 'node:stream';
import type {
  Attachment,
  Catalogue,
  Command,
  Person,
  SendTo,
  TicketSnapshot,
  Visibility,
  Words,
} from '#core/vocabulary.ts';

/** What the courier and the watcher must know about a type of helpdesk. Durations in milliseconds. */
export type Traits = {
  /** How far before a ticket's cursor a read must look: ids and times may commit out of order. */
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
  /** Requests allowed per window; null where the product sets no limit. */
  readonly rate: { readonly requests: number; readonly windowMs: number } | null;
};

/** One action as a read of its ticket shows it. */
export type ObservedAction = {
  /** Unique within the ticket. */
  readonly externalId: string;
  /** Instant, UTC. */
  readonly at: string;
  /** Role `service` is our own account, `automation` the helpdesk itself. */
  readonly author: Person;
  /** The marker of the write that made it, where the helpdesk keeps one. */
  readonly marker?: string;
  /** Of the content as read back, by the connector's own rule; comparable with Step.fingerprints. */
  readonly fingerprint: string;
  readonly visibility: Visibility;
  readonly sendTo?: SendTo;
  /** The desk mailed somebody outside when this was recorded. */
  readonly mailed?: boolean;
  /** HTML as the helpdesk has it, inline images as `cid:<attachment id>`; null without a note. Not yet sanitised. */
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
    }
  | {
      readonly kind: 'merged';
      readonly into: string;
      /** Notes at or after `since` that are still known by the ticket's own id; absent where there are none. */
      readonly notes?: readonly ObservedAction[];
    }
  | { readonly kind: 'gone' };

export type FeedPage = {
  /** External ids of tickets with news, without repeats. */
  readonly tickets: readonly string[];
  /** Opaque; goes into the next call. */
  readonly cursor: string;
  readonly more: boolean;
};

/** One request's worth of a command. Plain JSON: it is stored before it is performed. */
export type Step = {
  readonly name: 'open' | 'content' | 'fields' | 'status' | 'all' | 'reference' | 'attachment';
  /** The part of the command that this step carries out. */
  readonly command: Command;
  /** What an echo of this step looks like; one step may cause several actions. */
  readonly fingerprints: readonly string[];
};

export type PerformOptions = {
  /** Goes with the write wherever the helpdesk can keep it. Unique per write; survives retries. */
  readonly marker: string;
  /** Aborted by the caller at the write's deadline. */
  readonly signal: AbortSignal;
  /** Link id, for fairness between links. */
  readonly link: string;
  /** The ticket as last read, for conditional writes. */
  readonly snapshot: TicketSnapshot | null;
  /** Opens a staged attachment for upload; may be called again for a retry. */
  openStaged(attachment: Attachment): Readable;
};

export type Written = {
  readonly ticketId: string;
  /** Ids of the actions the write made, where the reply tells them; the read-back finds the rest. */
  readonly actionIds: readonly string[];
  /** The far ticket's number and URL; with `open` only. */
  readonly number?: string;
  readonly url?: string;
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
  catalogue(signal: AbortSignal): Promise<Catalogue>;
  /** The feed's position now: what lies before is not carried. */
  feedStart(signal: AbortSignal): Promise<string>;
  /** Tickets that changed since the cursor, without gaps under concurrent writers; may repeat tickets of the overlap, never needs to. */
  feed(cursor: string, limit: number, signal: AbortSignal): Promise<FeedPage>;
  /** The ticket and its actions at or after `since` (instant, UTC; null: all of them). */
  read(ticketId: string, since: string | null, signal: AbortSignal): Promise<Reading>;
  /** Pure: how the command is split into requests, in order. Never empty. */
  steps(command: Command): readonly Step[];
  /** Makes the change. Throws HelpdeskError; class `in-doubt` when nobody can know whether it was made. */
  perform(step: Step, options: PerformOptions): Promise<Written>;
  /** Looks for a write in doubt: what it made, or null when it is surely not there. `after`: instant before which it can't have happened. */
  find(step: Step, marker: string, after: string, signal: AbortSignal): Promise<Written | null>;
  /** The file's bytes as a stream; never buffered whole. */
  openAttachment(ticketId: string, attachmentId: string, signal: AbortSignal): Promise<OpenedAttachment>;
};

/** Ids of tickets a webhook's body names; never trusted beyond that. Empty: look at the feed. */
export type HintOf = (body: unknown) => readonly string[];

/** What a connector is given. `take` waits until the instance's request budget allows one more request. */
export type ConnectorContext = {
  readonly instance: string;
  readonly url: string;
  /** Decrypted credentials, as the type's connector defines them. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Type-specific options of the instance, as its `options` schema defines them. */
  readonly options: Readonly<Record<string, unknown>>;
  take(link: string | null, signal: AbortSignal): Promise<void>;
  readonly http: HttpClient;
  /** Told what the connector had to leave out, for the log: a stable code, and a sentence without what people wrote. */
  readonly notice?: (code: string, text: string) => void;
};

export type HttpRequest = {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | Readable;
  readonly signal: AbortSignal;
  /** Whole exchange, milliseconds. */
  readonly timeoutMs?: number;
  /** Largest body that is read; more is an error. Bytes. */
  readonly maxBytes?: number;
};

export type HttpReply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
};

/** The one guarded way out: no redirects, no decoding, bounded in time and size. See http.ts. */
export type HttpClient = {
  request(request: HttpRequest): Promise<HttpReply>;
  /** The body as a stream, for attachments. */
  stream(request: HttpRequest): Promise<{
    readonly status: number;
    readonly headers: Readonly<Record<string, string | undefined>>;
    readonly stream: Readable;
  }>;
};

/**
 * - `retry`: passing trouble, surely nothing was changed; try again.
 * - `refused`: the helpdesk said no and will again; `message` carries its words.
 * - `auth`: our credentials do not work.
 * - `gone`: the ticket (or file) is deleted; a right that we lack is `auth` or `retry`, never this.
 * - `slow-down`: over its limit; wait `retryAfterMs`.
 * - `conflict`: a conditional write lost; read again, decide again.
 * - `in-doubt`: the request may or may not have been carried out.
 */
export type HelpdeskErrorClass = 'retry' | 'refused' | 'auth' | 'gone' | 'slow-down' | 'conflict' | 'in-doubt';

export class HelpdeskError extends Error {
  override readonly name = 'HelpdeskError';
  readonly class: HelpdeskErrorClass;
  /** Stable, kebab-case, for reasons and traces: `not-allowed-by-workflow`. */
  readonly code: string;
  readonly retryAfterMs: number | undefined;

  constructor(
    errorClass: HelpdeskErrorClass,
    code: string,
    message: string,
    options: { readonly retryAfterMs?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.class = errorClass;
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}
