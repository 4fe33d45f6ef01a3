/** The timeline of one ticket across both sides, from what the database knows. Pure; its shape is that of `--json`. */
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
  /** In the order in which they happened. */
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
  /** Absent for what an automation did because of a write of ours: that is not logged as an action. */
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
  /** The same at every gateway that it passes; absent where it was logged before there was one. */
  readonly trace?: string;
  /** From the desk's own time until it was logged here, milliseconds. */
  readonly seenAfterMs: number | null;
  /** Why it goes nowhere. */
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
  /** Whom to call at the other side; where it failed or waits because of trouble. */
  readonly contact: WireContact | null;
  readonly drops: readonly Reason[];
  readonly queuedAt: string;
  /** A peer has it since then. */
  readonly acceptedAt: string | null;
  /** The peer's half, by its own clock; what it does there is its own business. */
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
  /** What a receipt tells. */
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
    // What came from elsewhere and passes by here: its action stands on a ticket of another desk.
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
    closeReason: mirror.close_reason,
    linkState: mirror.link_state,
    pausedBecause: mirror.paused ? (mirror.pause_reason ?? 'paused') : null,
    openedAt: mirror.opened_at,
    closedAt: mirror.closed_at,
    customer: {
      instance: mirror.customer_instance,
      ticket: mirror.customer_ticket,
      number: mirror.customer_number,
      url: mirror.customer_url,
    },
    supplier: {
      instance: mirror.supplier_instance,
      ticket: mirror.supplier_ticket,
      number: mirror.supplier_number,
      url: mirror.supplier_url,
    },
  };
}

function entryOf(action: TraceAction, deliveries: readonly DeliveryLine[]): Entry {
  return {
    at: action.at,
    instance: action.instance,
    ticket: action.ticket,
    externalId: action.external_id,
    action: action.id,
    role: action.role,
    ...(action.author === null ? {} : { author: action.author }),
    kind: action.kind,
    changes: action.changes,
    audience: action.audience,
    files: action.files,
    hasNote: action.has_note,
    ...(action.note === null ? {} : { note: htmlToText(action.note) }),
    via: action.via,
    ...(action.trace === null ? {} : { trace: action.trace }),
    seenAfterMs: msBetween(action.at, action.logged_at),
    reason: reasonOf(action.reason),
    deliveries,
  };
}

function consequenceEntry({ instance, ticket, external_id, at }: TraceRows['consequences'][number]): Entry {
  return {
    ...silent,
    at,
    instance,
    ticket,
    externalId: external_id,
    role: 'automation',
    reason: reason('consequence', { desk: instance }),
    deliveries: [],
  };
}

function passingEntry(action: string, of: readonly TraceDelivery[], deliveries: readonly DeliveryLine[]): Entry {
  const at = of[0]?.created_at ?? '';
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
    to: delivery.to_instance,
    toTicket: mirror === undefined ? null : numberAt(mirror, delivery.to_instance),
    link: mirror?.link ?? null,
    seq: delivery.seq,
    escalation: delivery.escalation,
    state: stateOf(delivery),
    reason: delivery.reason,
    contact: isTrouble(delivery) ? (mirror?.far_contact ?? null) : null,
    drops: delivery.drops ?? [],
    queuedAt: delivery.created_at,
    acceptedAt: delivery.accepted_at,
    far: delivery.far,
    endedAt: delivery.ended_at,
    tookMs: msBetween(delivery.created_at, delivery.ended_at),
    attempts: attempts.map(({ at, duration_ms, result, reason: why }) => ({
      at,
      durationMs: duration_ms,
      result,
      reason: why,
    })),
    writes: writes.map(({ step, state, ticket, promised_at, settled_at }) => ({
      step,
      state,
      ticket,
      promisedAt: promised_at,
      settledMs: msBetween(promised_at, settled_at),
    })),
    tells: receipt === null ? null : { outcome: receipt.outcome, number: opened, reason: receipt.reason },
  };
}

function numberAt(mirror: TraceMirror, instance: string): string | null {
  return instance === mirror.customer_instance
    ? (mirror.customer_number ?? mirror.customer_ticket)
    : (mirror.supplier_number ?? mirror.supplier_ticket);
}

function isTrouble(delivery: TraceDelivery): boolean {
  const state = stateOf(delivery);
  return state === 'refused' || (delivery.outcome === null && delivery.reason !== null);
}

function stateOf(delivery: TraceDelivery): string {
  if (delivery.outcome !== null) return delivery.outcome;
  if (delivery.set_aside_at !== null) return 'set-aside';
  if (delivery.held_at !== null && delivery.released_at === null) return 'held';
  if (delivery.accepted_at !== null) return 'accepted';
  return delivery.attempts > 0 ? 'waiting' : 'queued';
}

/** The log keeps the code of why an action goes nowhere. */
function reasonOf(code: string | null): Reason | null {
  if (code === null) return null;
  return isReasonCode(code) ? reason(code) : { code, text: code };
}

function msBetween(from: string, to: string | null): number | null {
  return to === null ? null : Math.round(Date.parse(to) - Date.parse(from));
}
