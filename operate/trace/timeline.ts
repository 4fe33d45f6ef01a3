/** Builds the timeline of one ticket across both sides from the database's rows. Pure; `--json` prints the same shape. */
import { htmlToText } from '#core/text/html.ts';
import { isReasonCode, reason } from '#core/words/reasons.ts';
import type { Reason } from '#core/words/vocabulary.ts';
import type { LinkState, WireContact } from '#core/wire.ts';
import type {
  TraceAction,
  TraceAttempt,
  TraceDelivery,
  TraceMirror,
  TraceRows,
  TraceWrite,
} from '#db/operate/trace.ts';

export type Timeline = {
  readonly instance: string;
  readonly ticket: string;
  readonly mirrors: readonly MirrorLine[];
  /** The entries, in the order in which they happened. */
  readonly entries: readonly Entry[];
};

export type TicketName = {
  readonly instance: string;
  readonly ticket: string | null;
  readonly number: string | null;
  readonly url: string | null;
};

export type MirrorLine = {
  readonly id: string;
  readonly link: string;
  readonly state: string;
  readonly mode: 'shadow' | 'live';
  readonly closeReason: string | null;
  readonly linkState: LinkState;
  readonly pausedBecause: string | null;
  readonly openedAt: string | null;
  readonly closedAt: string | null;
  readonly customer: TicketName;
  readonly supplier: TicketName;
};

export type Entry = {
  /** Instant, UTC, when its desk recorded it. */
  readonly at: string;
  readonly instance: string;
  readonly ticket: string;
  readonly externalId: string;
  /** Absent for what an automation did in response to our write, because that is not logged as an action. */
  readonly action?: string;
  readonly role: string | null;
  readonly author?: string;
  readonly kind: string | null;
  readonly changes: readonly string[];
  readonly audience: string | null;
  readonly files: number;
  readonly hasNote: boolean;
  readonly note?: string;
  readonly via: readonly string[];
  /** The same at every gateway that the action passes; absent if it was logged by a version without such ids. */
  readonly trace?: string;
  /** From the desk's own time until it was logged here, milliseconds. */
  readonly seenAfterMs: number | null;
  /** Instant at which Ferry saw that its text had changed at its desk; the carried text does not change. */
  readonly editedAt?: string;
  /** Why it is not carried. */
  readonly reason: Reason | null;
  readonly deliveries: readonly DeliveryLine[];
};

export type DeliveryLine = {
  readonly id: string;
  readonly kind: 'action' | 'receipt' | 'copy';
  readonly to: string;
  /** The far ticket's number; null while it is not open. */
  readonly toTicket: string | null;
  readonly link: string | null;
  readonly seq: number;
  readonly escalation: boolean;
  /** `applied`, `skipped`, `refused`; before it `queued`, `waiting`, `accepted` by a peer, `held`, `set-aside`. */
  readonly state: string;
  readonly reason: Reason | null;
  /** The contact at the other side, if the delivery failed or waits because of trouble. */
  readonly contact: WireContact | null;
  readonly drops: readonly Reason[];
  readonly queuedAt: string;
  /** Instant at which a peer received it. */
  readonly acceptedAt: string | null;
  /** The peer's half, by its own clock. */
  readonly far: { readonly acceptedAt: string; readonly endedAt: string | null; readonly attempts: number } | null;
  readonly endedAt: string | null;
  /** From queued to ended. */
  readonly tookMs: number | null;
  readonly attempts: readonly {
    readonly at: string;
    readonly durationMs: number;
    readonly result: string;
    readonly reason: Reason | null;
  }[];
  readonly writes: readonly {
    readonly step: number;
    readonly state: string;
    readonly ticket: string | null;
    readonly promisedAt: string;
    readonly settledMs: number | null;
  }[];
  /** What it became there, in that desk's words; null if nothing was written, or the contents were deleted since. */
  readonly became: {
    readonly kind: string | null;
    /** Whether that desk's end users see the note; null without a note. */
    readonly visibility: string | null;
    readonly status: string | null;
    readonly category: string | null;
    readonly priority: string | null;
  } | null;
  /** The content of a receipt. */
  readonly tells: { readonly outcome: string; readonly number: string | null; readonly reason: Reason } | null;
};

export function timelineOf(instance: string, ticket: string, found: TraceRows): Timeline {
  const attempts = Map.groupBy(found.attempts, ({ delivery }) => delivery);
  const writes = Map.groupBy(found.writes, ({ delivery }) => delivery);
  const mirrors = new Map(found.mirrors.map((mirror) => [mirror.id, mirror]));
  const lines = (of: readonly TraceDelivery[]): DeliveryLine[] =>
    of.map((delivery) =>
      deliveryLine(
        delivery,
        mirrors.get(delivery.mirror),
        attempts.get(delivery.id) ?? [],
        writes.get(delivery.id) ?? [],
      ),
    );
  const deliveries = Map.groupBy(found.deliveries, ({ action }) => action);
  const known = new Set(found.actions.map(({ id }) => id));
  const entries = [
    ...found.actions.map((action) => entryOf(action, lines(deliveries.get(action.id) ?? []))),
    ...found.consequences.map(consequenceEntry),
    // An action that passes through this desk: it was made on a ticket of another desk.
    ...[...deliveries].flatMap(([action, of]) => (known.has(action) ? [] : [passingEntry(action, of, lines(of))])),
  ];
  return {
    instance,
    ticket,
    mirrors: found.mirrors.map(mirrorLine),
    entries: entries.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)),
  };
}

function mirrorLine(mirror: TraceMirror): MirrorLine {
  return {
    id: mirror.id,
    link: mirror.link,
    state: mirror.state,
    mode: mirror.shadow ? 'shadow' : 'live',
    closeReason: mirror.closeReason,
    linkState: mirror.linkState,
    pausedBecause: mirror.paused ? (mirror.pauseReason ?? 'paused') : null,
    openedAt: mirror.openedAt,
    closedAt: mirror.closedAt,
    ...mirror.ends,
  };
}

function entryOf(action: TraceAction, deliveries: readonly DeliveryLine[]): Entry {
  return {
    at: action.at,
    instance: action.instance,
    ticket: action.ticket,
    externalId: action.externalId,
    action: action.id,
    role: action.role,
    ...(action.author === null ? {} : { author: action.author }),
    kind: action.kind,
    changes: action.changes,
    audience: action.audience,
    files: action.files,
    hasNote: action.hasNote,
    ...(action.note === null ? {} : { note: htmlToText(action.note) }),
    via: action.via,
    ...(action.trace === null ? {} : { trace: action.trace }),
    seenAfterMs: msBetween(action.at, action.loggedAt),
    ...(action.editedAt === null ? {} : { editedAt: action.editedAt }),
    reason: reasonOf(action.reason),
    deliveries,
  };
}

function consequenceEntry({ instance, ticket, externalId, at }: TraceRows['consequences'][number]): Entry {
  return {
    ...silent,
    at,
    instance,
    ticket,
    externalId,
    role: 'automation',
    reason: reason('consequence', { desk: instance }),
    deliveries: [],
  };
}

function passingEntry(action: string, of: readonly TraceDelivery[], deliveries: readonly DeliveryLine[]): Entry {
  const at = of[0]?.createdAt ?? '';
  return { ...silent, at, instance: '', ticket: '', externalId: '', action, role: null, deliveries };
}

const silent = {
  kind: null,
  changes: [],
  audience: null,
  files: 0,
  hasNote: false,
  via: [],
  seenAfterMs: null,
  reason: null,
} as const;

function deliveryLine(
  delivery: TraceDelivery,
  mirror: TraceMirror | undefined,
  attempts: readonly TraceAttempt[],
  writes: readonly TraceWrite[],
): DeliveryLine {
  const { receipt } = delivery;
  const opened = receipt?.farNumber ?? null;
  return {
    id: delivery.id,
    kind: delivery.kind,
    to: delivery.toInstance,
    toTicket: mirror === undefined ? null : numberAt(mirror, delivery.toInstance),
    link: mirror?.link ?? null,
    seq: delivery.seq,
    escalation: delivery.escalation,
    state: stateOf(delivery),
    reason: delivery.reason,
    contact: isTrouble(delivery) ? (mirror?.farContact ?? null) : null,
    drops: delivery.drops ?? [],
    queuedAt: delivery.createdAt,
    acceptedAt: delivery.acceptedAt,
    far: delivery.far,
    endedAt: delivery.endedAt,
    tookMs: msBetween(delivery.createdAt, delivery.endedAt),
    attempts: attempts.map(({ at, durationMs, result, reason: why }) => ({
      at,
      durationMs,
      result,
      reason: why,
    })),
    writes: writes.map(({ step, state, ticket, promisedAt, settledAt }) => ({
      step,
      state,
      ticket,
      promisedAt,
      settledMs: msBetween(promisedAt, settledAt),
    })),
    became: becameOf(writes),
    tells: receipt === null ? null : { outcome: receipt.outcome, number: opened, reason: receipt.reason },
  };
}

function becameOf([first]: readonly TraceWrite[]): DeliveryLine['became'] {
  if (first === undefined) return null;
  const { asKind, asVisibility, asStatus, asCategory, asPriority } = first;
  const became = {
    kind: asKind,
    visibility: asVisibility,
    status: asStatus,
    category: asCategory,
    priority: asPriority,
  };
  return Object.values(became).some((one) => one !== null) ? became : null;
}

function numberAt(mirror: TraceMirror, instance: string): string | null {
  const { customer, supplier } = mirror.ends;
  const { number, ticket } = customer.instance === instance ? customer : supplier;
  return number ?? ticket;
}

function isTrouble(delivery: TraceDelivery): boolean {
  const state = stateOf(delivery);
  return state === 'refused' || (delivery.outcome === null && delivery.reason !== null);
}

function stateOf(delivery: TraceDelivery): string {
  if (delivery.outcome !== null) return delivery.outcome;
  if (delivery.setAsideAt !== null) return 'set-aside';
  if (delivery.heldAt !== null && delivery.releasedAt === null) return 'held';
  if (delivery.acceptedAt !== null) return 'accepted';
  return delivery.attempts > 0 ? 'waiting' : 'queued';
}

/** Returns why an action is not carried, from the code in the log. */
function reasonOf(code: string | null): Reason | null {
  if (code === null) return null;
  return isReasonCode(code) ? reason(code) : { code, text: code };
}

function msBetween(from: string, to: string | null): number | null {
  return to === null ? null : Math.round(Date.parse(to) - Date.parse(from));
}
