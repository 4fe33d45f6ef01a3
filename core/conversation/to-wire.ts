/**
 * Converts an action to the form another gateway reads: its constant part as its origin fixed it, plus the sender's
 * words.
 */
import { canonicalConstant } from '#core/log/constant.ts';
import { safeName } from '#core/text/safe-name.ts';
import { issuerOf, type Directory } from '#core/words/directory.ts';
import { must } from '#core/words/must.ts';
import type { Attachment, ConstantPart, TicketSnapshot } from '#core/words/vocabulary.ts';
import { wireAction, wireEntity, wireLimits, type WireAction, type WireConstant, type WireTicket } from '#core/wire.ts';
import type { Outgoing } from './send.ts';

/** The end that sends the action. */
export type SendingEnd = {
  /** That system's own word for this type of record. */
  readonly entity: string;
  /** Null if there is no ticket yet. */
  readonly ticketId: string | null;
  readonly number: string | null;
  readonly url: string | null;
  readonly snapshot: TicketSnapshot | null;
};

/** A delivery to be sent, as the database records it. */
export type ToSend = {
  readonly delivery: { readonly seq: number; readonly escalation: boolean; readonly releasedAt: string | null };
  readonly action: {
    readonly id: string;
    readonly trace: string | null;
    /** The canonical constant part as a peer sent it; null for an action recorded here. */
    readonly signed: string | null;
    readonly attachments: readonly Attachment[];
  };
  readonly from: SendingEnd;
};

/** The constant part for the wire, and its canonical text, which is hashed and signed. */
export type ConstantToSend = { readonly constant: WireConstant; readonly text: string };

export type Built =
  | { readonly kind: 'action'; readonly action: WireAction }
  /** Exceeds a limit of the API; `where` names the part. */
  | { readonly kind: 'beyond'; readonly where: string };

/** Forwards a constant part that arrived signed unchanged; builds it from the outgoing action otherwise. */
export function constantToSend({ action }: ToSend, outgoing: Outgoing, directory: Directory): ConstantToSend {
  const constant = wireConstantOf(action, outgoing, directory);
  return { constant, text: canonicalConstant(constant as ConstantPart) };
}

/** Builds the wire action. `after` is filled in when the batch is sent. */
export function actionToSend(
  { delivery, action, from }: ToSend,
  outgoing: Outgoing,
  directory: Directory,
  constant: WireConstant,
  signature: Pick<WireAction, 'signature' | 'key'>,
): Built {
  const candidate = {
    seq: delivery.seq,
    after: 0,
    constant,
    ...signature,
    words: outgoing.action.words,
    via: [...new Set(outgoing.action.via.map((instance) => issuerOf(directory, instance)))],
    mailed: outgoing.mailed,
    drops: outgoing.drops.slice(0, 100),
    trace: action.trace ?? action.id.replaceAll('-', ''),
    late: delivery.releasedAt !== null,
    ticket: must(senderTicket(from), "the sender's ticket"),
    ...(delivery.escalation
      ? {
          escalation: {
            summary: (outgoing.summary ?? from.snapshot?.summary ?? '').slice(0, wireLimits.summary),
            ...(outgoing.requester === undefined ? {} : { requester: outgoing.requester }),
          },
        }
      : {}),
  };
  const checked = wireAction.safeParse(candidate);
  if (checked.success) return { kind: 'action', action: checked.data };
  return { kind: 'beyond', where: must(checked.error.issues[0], 'what is beyond a limit').path.join('.') };
}

/** Describes the sender's ticket as it is now; null if there is none yet. */
export function senderTicket(from: SendingEnd): WireTicket | null {
  const { entity, ticketId: id, number, url, snapshot } = from;
  if (id === null) return null;
  return {
    id: id.slice(0, wireLimits.name),
    ...wireEntity(entity),
    number: (snapshot?.number || number || id).slice(0, wireLimits.name),
    url: (snapshot?.url ?? url ?? '').slice(0, 2_048),
    closed: snapshot?.closed ?? false,
  };
}

/** How the wire names the origin of an action: as it was signed, where that is kept. */
export function originOnWire(
  { signed, origin }: { readonly signed: string | null; readonly origin: string },
  directory: Directory,
): string {
  if (signed === null) return issuerOf(directory, origin);
  return (JSON.parse(signed) as Pick<WireConstant, 'origin'>).origin;
}

function wireConstantOf(action: ToSend['action'], outgoing: Outgoing, directory: Directory): WireConstant {
  if (action.signed !== null) {
    const signed = JSON.parse(action.signed) as Omit<WireConstant, 'attachments'>;
    return { ...signed, attachments: wireFiles(action.attachments) };
  }
  const { id, origin, author, at, audience, note, attachments } = outgoing.action;
  return {
    id,
    origin: issuerOf(directory, origin),
    author: {
      name: author.name.slice(0, wireLimits.name),
      ...(author.email === undefined ? {} : { email: author.email }),
      role: author.role,
    },
    at,
    audience,
    note,
    attachments: wireFiles(attachments),
  };
}

function wireFiles(files: ConstantPart['attachments']): WireConstant['attachments'] {
  return files.map(({ id, name, type, sizeBytes, inline, sha256 }) => ({
    id,
    name: safeName(name),
    type: type === null ? null : type.slice(0, wireLimits.name),
    sizeBytes: sizeBytes ?? 0,
    inline,
    sha256: must(sha256, 'digest of a staged file'),
  }));
}
