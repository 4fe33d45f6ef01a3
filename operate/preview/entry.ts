/** One action of a preview: what it is, how it ended in truth, and what would become of it. Pure. */
import type { Shape, Would } from '#core/conversation/would.ts';
import { htmlToText } from '#core/text/html.ts';
import type { Command, Outcome, Reason } from '#core/words/vocabulary.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import type { PreviewedDelivery } from '#db/operate/preview.ts';

/** A command, and of its note only how long it is where texts were not asked for. */
export type ShownCommand = Omit<Command, 'note' | 'attachments'> & {
  readonly noteBytes: number;
  readonly note?: string;
  readonly files: readonly { readonly name: string; readonly sizeBytes: number | null }[];
};

export type ShownWould =
  | { readonly verdict: 'apply'; readonly command: ShownCommand; readonly drops: readonly Reason[] }
  | { readonly verdict: 'leave'; readonly shape: Shape; readonly drops: readonly Reason[] }
  | { readonly verdict: 'skip' | 'refuse' | 'hold'; readonly reason: Reason };

export type Previewed = {
  /** Instant at which its desk recorded it. */
  readonly at: string;
  readonly action: string;
  /** Null where it was never logged. */
  readonly delivery: string | null;
  readonly link: string;
  /** As people call the tickets; `to` is null while there is none. */
  readonly from: { readonly instance: string; readonly ticket: string };
  readonly to: { readonly instance: string; readonly ticket: string | null };
  /** In the words of the desk that it was recorded at. */
  readonly kind: string | null;
  readonly escalation: boolean;
  /** How it ended in truth; null: it waits, or was never carried. */
  readonly ended: { readonly outcome: Outcome; readonly reason: Reason | null } | null;
};

export type PreviewEntry = Previewed & { readonly would: ShownWould };

export function shownOf(would: Would, notes: boolean): ShownWould {
  if (would.verdict !== 'apply') return would;
  const { note, attachments, ...command } = would.command;
  return {
    ...would,
    command: {
      ...command,
      noteBytes: note === null ? 0 : Buffer.byteLength(note),
      ...(notes && note !== null ? { note: htmlToText(note) } : {}),
      files: attachments.map(({ name, sizeBytes }) => ({ name, sizeBytes })),
    },
  };
}

export function previewedOf({ context, outcome, reason }: PreviewedDelivery): Previewed {
  return {
    ...describe(context),
    delivery: context.delivery.id,
    ended: outcome === null ? null : { outcome, reason },
  };
}

export function describe(context: DeliveryContext): Omit<Previewed, 'delivery' | 'ended'> {
  const { action, delivery, from, to, mirror } = context;
  return {
    at: action.at,
    action: action.id,
    link: mirror.link,
    from: { instance: from.instance, ticket: from.number ?? from.ticketId ?? action.ticket },
    to: { instance: to.instance, ticket: to.number ?? to.ticketId },
    kind: (delivery.words ?? action.words)?.kind ?? null,
    escalation: delivery.escalation,
  };
}
