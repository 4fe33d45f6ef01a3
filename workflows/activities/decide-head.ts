/** Asks core what is to become of the head of a lane: what may leave, what the receiving desk makes of it. */
import { reason } from '#core/reasons.ts';
import { receiptCommand } from '#core/receipt.ts';
import type { ConstantPart, SideName, Verdict } from '#core/vocabulary.ts';
import type { DeliveryContext } from '#db/delivery-context.ts';
import { viewOf } from '#db/mirrors.ts';
import { toldBefore } from '#db/receipts.ts';
import type { WorkDeps } from './deps.ts';
import type { Stage } from './stage.ts';
import { receivingSide, whatLeaves } from './what-leaves.ts';

export type Decided = {
  readonly verdict: Verdict;
  readonly versions: { readonly outbound: number; readonly inbound: number; readonly catalogue: number };
  /** What a relay takes along, where it left the other desk otherwise than it was logged. */
  readonly constant?: ConstantPart;
};

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
  const leaving = await whatLeaves(deps, stage, context, sender, signal);
  if (leaving.kind !== 'send') return { verdict: leaving, versions };
  const verdict = await deps.texts.decide({
    outgoing: leaving.outgoing,
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
  return { verdict, versions, ...(leaving.constant === undefined ? {} : { constant: leaving.constant }) };
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
