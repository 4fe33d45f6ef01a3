/** Asks core what is to become of the head of a lane: what may leave, what the receiving desk makes of it. */
import { decide } from '#core/decide.ts';
import { reason } from '#core/reasons.ts';
import { receiptCommand } from '#core/receipt.ts';
import { send, type SendResult } from '#core/send.ts';
import type { ThreadEntry } from '#core/template.ts';
import type { Action, Attachment, CatalogueKind, SideName, Verdict } from '#core/vocabulary.ts';
import { rememberFiles } from '#db/attachments.ts';
import type { DeliveryContext } from '#db/delivery-context.ts';
import { viewOf } from '#db/mirrors.ts';
import { toldBefore } from '#db/receipts.ts';
import type { WorkDeps } from './deps.ts';
import { descriptionImages, readThread } from './escalation-thread.ts';
import { hashWithDigests, withFiles, type Stage } from './stage.ts';

export type Decided = {
  readonly verdict: Verdict;
  readonly versions: { readonly outbound: number; readonly inbound: number; readonly catalogue: number };
};

/** The side of the mirror to which the delivery travels. */
export function receivingSide({ delivery, mirror }: DeliveryContext): SideName {
  return delivery.to === mirror.supplier_instance ? 'supplier' : 'customer';
}

/** Throws HelpdeskError where a file could not be fetched for now. */
export async function decideHead(
  deps: WorkDeps,
  stage: Stage,
  context: DeliveryContext,
  signal: AbortSignal,
): Promise<Decided> {
  const { mirror, delivery } = context;
  const to = receivingSide(context);
  const from: SideName = to === 'supplier' ? 'customer' : 'supplier';
  const versions = {
    outbound: from === 'customer' ? mirror.customer_settings : mirror.supplier_settings,
    inbound: to === 'customer' ? mirror.customer_settings : mirror.supplier_settings,
    catalogue: to === 'customer' ? context.customerCatalogue : context.supplierCatalogue,
  };
  if (delivery.kind === 'receipt') return { verdict: await decideReceipt(deps, context, to), versions };

  const [sender, receiver, catalogue] = await Promise.all([
    deps.cache.side(deps.db, `${mirror.link}/${from}`, versions.outbound),
    deps.cache.side(deps.db, `${mirror.link}/${to}`, versions.inbound),
    deps.cache.catalogue(deps.db, delivery.to, versions.catalogue),
  ]);
  const leaving = await mayLeave(deps, context, from, sender, signal);
  if (leaving.kind !== 'send') return { verdict: leaving, versions };

  let { outgoing } = leaving;
  let failures: readonly { code: string; text: string }[] = [];
  if (outgoing.action.attachments.length > 0) {
    const staged = await stage(context, outgoing.action.attachments, signal);
    const { action, drops } = withFiles({ ...context.action, note: outgoing.action.note }, staged);
    outgoing = { ...outgoing, action: { ...outgoing.action, note: action.note, attachments: action.attachments } };
    failures = drops;
    await rememberFiles(
      deps.db,
      context.action.id,
      action.attachments,
      hashWithDigests(context.action, action.attachments),
    );
  }
  const verdict = decide({
    outgoing: { ...outgoing, drops: [...outgoing.drops, ...failures] },
    escalation: delivery.escalation,
    mirror: viewOf(mirror, to),
    inbound: receiver.inbound,
    account: receiver.account,
    catalogue,
    snapshot: to === 'customer' ? context.customerSnapshot : context.supplierSnapshot,
    senderName: from === 'customer' ? mirror.customer_name : mirror.supplier_name,
    now: context.now,
    linkMode: mirror.shadow ? 'shadow' : mirror.mode,
    ...(delivery.releasedAt === null ? {} : { releasedLate: { writtenAt: context.action.at } }),
  });
  return { verdict, versions };
}

async function mayLeave(
  deps: WorkDeps,
  context: DeliveryContext,
  from: SideName,
  sender: Awaited<ReturnType<WorkDeps['cache']['side']>>,
  signal: AbortSignal,
): Promise<SendResult> {
  const { mirror, delivery } = context;
  if (context.action.author === null || context.action.words === null) {
    return { kind: 'skip', reason: reason('content-expired') };
  }
  const action = actionOf(context, context.action.author, context.action.words);
  const relayed = delivery.via !== null;
  const snapshot = from === 'customer' ? context.customerSnapshot : context.supplierSnapshot;
  const version = from === 'customer' ? context.customerCatalogue : context.supplierCatalogue;
  const senderInstance = from === 'customer' ? mirror.customer_instance : mirror.supplier_instance;
  const senderCatalogue = await deps.cache.catalogue(deps.db, senderInstance, version);
  const catalogueKind: CatalogueKind | undefined = senderCatalogue.kinds.find(
    (kind) => kind.name === action.words.kind,
  );
  let publicThread: readonly ThreadEntry[] = [];
  let threadAttachments: readonly Attachment[] = [];
  if (delivery.escalation && sender.outbound.includes.publicThread) {
    const thread = await readThread(deps, context, signal);
    publicThread = thread.entries;
    threadAttachments = thread.attachments;
  }
  if (delivery.escalation && sender.outbound.includes.description && snapshot !== null) {
    threadAttachments = [...threadAttachments, ...descriptionImages(snapshot.description)];
  }
  return send({
    action,
    ...(relayed ? {} : { visibility: context.action.visibility }),
    side: from,
    outbound: sender.outbound,
    snapshot,
    escalation: delivery.escalation,
    catalogueKind,
    senderName: from === 'customer' ? mirror.customer_name : mirror.supplier_name,
    relayed,
    publicThread,
    threadAttachments,
    account: sender.account,
  });
}

function actionOf({ action, delivery }: DeliveryContext, author: Action['author'], words: Action['words']): Action {
  return {
    id: action.id,
    origin: action.origin,
    author,
    at: action.at,
    audience: action.audience,
    note: action.note,
    attachments: action.attachments,
    words: delivery.words ?? words,
    via: delivery.via ?? action.via,
    ...(action.sendTo === null ? {} : { sendTo: action.sendTo }),
    ...(action.mailed === null ? {} : { mailed: action.mailed }),
  };
}

async function decideReceipt(deps: WorkDeps, context: DeliveryContext, to: SideName): Promise<Verdict> {
  const { delivery, mirror, now } = context;
  const ticketId = to === 'customer' ? mirror.customer_ticket : mirror.supplier_ticket;
  if (delivery.receipt === null || ticketId === null)
    return { kind: 'skip', reason: reason('no-op', { desk: delivery.to }) };
  const command = receiptCommand({ receipt: delivery.receipt, ticketId, side: to, language: 'en', now });
  if (command === null) return { kind: 'skip', reason: reason('no-op', { desk: delivery.to }) };
  if (await toldBefore(deps.db, delivery.id)) return { kind: 'skip', reason: reason('already-told') };
  return { kind: 'apply', command, drops: [] };
}
