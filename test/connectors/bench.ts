/** What the contract suite (contract.ts) needs from a helpdesk under test, and small helpers to command it. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Trial, TrialRecord } from '#connectors/contract/check.ts';
import { notAfterIn } from '#connectors/contract/not-after.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import type { ObservedAction, Reading, Step } from '#core/words/desk.ts';
import type { Attachment, Command, FieldValue, TicketSnapshot } from '#core/words/vocabulary.ts';

export type FileToAttach = {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array;
  /** Present: the HTML shows it as `<img src="cid:…">`. */
  readonly cid?: string;
};

/** A ticket as the desk's own people see it; read without the connector. */
export type RawTicket = {
  readonly summary: string;
  readonly status: string;
  readonly supplierReference: string;
  readonly requester: string;
  readonly account: string;
  readonly description: string;
  /** Oldest first. */
  readonly notes: readonly {
    readonly html: string;
    readonly hidden: boolean;
    /** Who is shown as its author. */
    readonly author: string;
  }[];
  /** Names of all files of the ticket. */
  readonly files: readonly string[];
};

export type Mail = { readonly to: string; readonly subject: string; readonly body: string };

/** Names that exist in the desk under test. */
export type DeskNames = {
  /** Account that tickets are opened for, and one that is not it. */
  readonly account: string;
  readonly otherAccount?: string;
  readonly type?: string;
  /** `open` is the first status of new tickets. */
  readonly status: { readonly open: string; readonly other: string; readonly closed: string };
  readonly kinds: { readonly visible: string | null; readonly hidden: string | null; readonly mails?: string };
  readonly priority?: string;
  readonly category?: string;
  readonly fields: {
    readonly text: string;
    readonly option?: { readonly name: string; readonly value: string; readonly other: string };
    readonly date?: string;
    readonly datetime?: string;
    readonly number?: string;
  };
  /** An agent who records things, by display name. */
  readonly agent: string;
  /** The end user of tickets that `createTicket` makes. */
  readonly user: { readonly name: string; readonly email: string };
  /** A person who may ask for tickets in `account`, and one of nobody's. */
  readonly requester: { readonly name: string; readonly email: string };
  /** The requester that a ticket shows when the real one is unknown; absent if the desk creates a new one. */
  readonly standIn?: string;
};

/** People at the desk's own pages. */
export type People = {
  /** By the end user. Gives its id. */
  createTicket(input: {
    readonly summary: string;
    readonly html: string;
    readonly files?: readonly FileToAttach[];
  }): Promise<string>;
  agentNote(
    ticketId: string,
    note: { readonly visible: boolean; readonly html: string; readonly files?: readonly FileToAttach[] },
  ): Promise<void>;
  agentStatus(ticketId: string, status: string): Promise<void>;
  agentField(ticketId: string, name: string, value: FieldValue): Promise<void>;
  userReply(ticketId: string, html: string): Promise<void>;
  deleteTicket?(ticketId: string): Promise<void>;
  mergeTickets?(from: string, into: string): Promise<void>;
  readRaw(ticketId: string): Promise<RawTicket>;
  /** Texts that the end user sees, if the desk has a page for that. */
  userSees?(ticketId: string): Promise<readonly string[]>;
};

/** Troubles for the connector's next requests; each strikes once. */
export type FaultsOf = {
  /** The next write is made, its answer lost. */
  loseReply(): Promise<void>;
  /** The next write never arrives. */
  cutWrite(): Promise<void>;
  /** The next request (read or write) is answered with a server error, and not carried out. */
  serverError(on: 'read' | 'write'): Promise<void>;
  /** The next request is answered 200 with a web page, and not carried out. */
  htmlInstead(on: 'read' | 'write'): Promise<void>;
  /** The next request is answered with a request to come back later; null: without a time. */
  slowDown(retryAfterSeconds: number | null): Promise<void>;
  /** The next write quietly loses the status it was to set. */
  loseStatus?(): Promise<void>;
  clear(): Promise<void>;
};

export type Bench = {
  readonly helpdesk: Helpdesk;
  readonly names: DeskNames;
  readonly people: People;
  readonly faults: FaultsOf;
  /** The same desk through a connector that remembers nothing. */
  restarted(): Helpdesk;
  wrongCredentials(): Helpdesk;
  /** A connector whose desk does not listen. */
  unreachable(): Helpdesk;
  /** Mails the desk sent that concern the ticket. */
  mailbox(ticketId: string): Promise<readonly Mail[]>;
  /** What the desk's workflow does not let us do on a fresh ticket, and its own words about it. */
  readonly forbidden?: { readonly command: Partial<Command>; readonly words: RegExp };
  /** Makes the desk react to our next visible note, as an automation. */
  automation?: { arm(ticketId: string): Promise<void>; disarm(): Promise<void> };
  /** The helpdesk knows conditional writes. */
  readonly conditional?: boolean;
  /** The connector itself makes other desks' mail tags harmless; else core does before. */
  readonly defusesTags?: boolean;
  /** The number of concurrent writers and of notes by each; smaller for slow desks. Default 4 and 5. */
  readonly load?: { readonly writers: number; readonly notes: number };
  stop(): Promise<void>;
};

export const longEnough = (): AbortSignal => AbortSignal.timeout(60_000);

export function fileOf(
  name: string,
  type: string,
  bytes: Uint8Array,
  inline = false,
): Attachment & { bytes: Uint8Array } {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { id: randomUUID(), name, type, sizeBytes: bytes.byteLength, inline, sha256, bytes };
}

export function commandFor(ticketId: string | null, part: Partial<Command>): Command {
  return {
    ticketId,
    kind: null,
    note: null,
    visibility: 'hidden',
    mailsUser: false,
    author: { display: 'Ann Lee (Northwind)' },
    at: '2026-11-20T08:12:00.000Z',
    fields: {},
    attachments: [],
    ...part,
  };
}

/** As Ferry marks its writes: `<delivery>-<step>`, the delivery a version 7 UUID. */
export function newDelivery(): string {
  const hex = Date.now().toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${randomUUID().slice(15)}`;
}

/** A trial of `ferry check` on a ticket, with all that it asked to be kept. */
export function newTrial(
  ticketId: string,
  open: Trial['open'],
  earlier: Pick<Trial, 'marker' | 'left'> = { marker: newDelivery(), left: null },
): Trial & { readonly kept: readonly TrialRecord[] } {
  const kept: TrialRecord[] = [];
  return {
    ...earlier,
    ticketId,
    open,
    kept,
    keep: async (record) => void kept.push(record),
  };
}

export type Carried = {
  readonly ticketId: string;
  readonly actionIds: readonly string[];
  readonly steps: readonly Step[];
  readonly markers: readonly string[];
  readonly number?: string;
  readonly url?: string;
};

export type CarryOptions = { readonly delivery?: string; readonly snapshot?: TicketSnapshot | null };

/** Carries a command out, step by step, as the courier does. */
export async function carryOut(helpdesk: Helpdesk, command: Command, options: CarryOptions = {}): Promise<Carried> {
  const delivery = options.delivery ?? newDelivery();
  const steps = helpdesk.steps(command);
  let ticketId = command.ticketId;
  let opened: { number?: string; url?: string } = {};
  const actionIds: string[] = [];
  for (const [index, step] of steps.entries()) {
    const written = await performAt(helpdesk, aimed(step, ticketId), `${delivery}-${index}`, options.snapshot ?? null);
    ticketId = written.ticketId;
    if (written.number !== undefined) opened = { number: written.number, url: written.url ?? '' };
    actionIds.push(...written.actionIds);
  }
  assert.ok(ticketId !== null);
  return { ticketId, actionIds, steps, markers: steps.map((_, index) => `${delivery}-${index}`), ...opened };
}

export function performAt(helpdesk: Helpdesk, step: Step, marker: string, snapshot: TicketSnapshot | null = null) {
  return helpdesk.perform(step, {
    marker,
    signal: longEnough(),
    notAfter: notAfterIn(60_000),
    link: 'link-1',
    snapshot,
    openStaged: (file) => Readable.from([(file as Attachment & { bytes: Uint8Array }).bytes]),
  });
}

/** Steps after the one that opens the ticket learn its id from it. */
export function aimed(step: Step, ticketId: string | null): Step {
  if (step.command.ticketId !== null || ticketId === null || step.command.open !== undefined) return step;
  return { ...step, command: { ...step.command, ticketId } };
}

export async function readOf(helpdesk: Helpdesk, ticketId: string): Promise<Extract<Reading, { kind: 'ticket' }>> {
  const reading = await helpdesk.read(ticketId, null, longEnough());
  assert.equal(reading.kind, 'ticket');
  return reading as Extract<Reading, { kind: 'ticket' }>;
}

/** The actions whose note holds the text. */
export async function actionsWith(
  helpdesk: Helpdesk,
  ticketId: string,
  text: string,
): Promise<readonly ObservedAction[]> {
  const { actions } = await readOf(helpdesk, ticketId);
  return actions.filter((action) => action.note?.includes(text) === true);
}

/** Tells whether the action would be taken for an echo of what was carried out. */
export function isEchoOf(action: ObservedAction, carried: Pick<Carried, 'steps' | 'markers' | 'actionIds'>): boolean {
  if (carried.actionIds.includes(action.externalId)) return true;
  if (action.marker !== undefined && carried.markers.includes(action.marker)) return true;
  const fingerprints = carried.steps.flatMap((step) => step.fingerprints);
  return action.author.role === 'service' && fingerprints.includes(action.fingerprint);
}

export async function failure(promise: Promise<unknown>): Promise<HelpdeskError> {
  const error = await promise.then(
    () => assert.fail('it succeeded'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HelpdeskError, `not a HelpdeskError: ${String(error)}`);
  return error;
}
