/**
 * Accepts receipts from another gateway or API client: ends our deliveries and informs the local desk where necessary.
 * Runs in the caller's transaction; locks in the same order as outcome.ts.
 */
import { sql } from 'drizzle-orm';
import type { Directory } from '#core/words/directory.ts';
import { must } from '#core/words/must.ts';
import { reason } from '#core/words/reasons.ts';
import type { SideName, TicketSnapshot } from '#core/words/vocabulary.ts';
import { wireRef, type WireReceipt, type WireResult } from '#core/wire.ts';
import { refKey } from '#core/words/ref.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { contextOf, contextQuery, type HeadRow } from '#db/carry/delivery-context.ts';
import { moveMirrorsOn } from '#db/log/mirror-life.ts';
import { lockMirror, type Mirror } from '#db/log/mirrors.ts';
import { endDelivery } from '#db/carry/outcome.ts';
import { mirrorHere } from './mirror-here.ts';
import { linkEnds, lockLanes, type LinkEnds, type Received } from './receive-actions.ts';
import { lockSnapshots, rememberStanding, snapshotWith } from './receive-standing.ts';
import { sentBefore, type Sent } from './sent-actions.ts';
import type { VersionCache } from '#db/settings/settings-in-force.ts';
import type { UnitOfWork } from '#db/base/unit-of-work.ts';

export type ReceiveReceipts = {
  readonly link: string;
  /** The side that sends the receipts. */
  readonly from: SideName;
  readonly mirror: string;
  readonly receipts: readonly WireReceipt[];
  readonly directory: Directory;
};

const soonMs = 1_000;
const laterMs = 60_000;

/** Returns null if there is no such mirror on this link. */
export async function receiveReceipts(
  unit: UnitOfWork,
  cache: VersionCache,
  said: ReceiveReceipts,
): Promise<Received | null> {
  const [ends, mirrorId] = await Promise.all([
    linkEnds(unit.tx, said.link, said.from),
    mirrorHere(unit.tx, said.link, said.mirror),
  ]);
  if (ends === null || mirrorId === null) return null;
  const input = { ...said, mirror: mirrorId };
  const tickets = input.receipts.flatMap(({ ticket }) => (ticket === null ? [] : [wireRef(ends.sender, ticket)]));
  // Sent together; the connection preserves their order, so the later statements run under the locks.
  const [snapshots, locked, before, sentOf] = await Promise.all([
    lockSnapshots(unit.tx, ends.sender, tickets),
    lockMirror(unit.tx, input.mirror, input.link),
    lockLanes(unit.tx, input.mirror, ends.receiver),
    sentBefore(unit.tx, { ...input, to: ends.sender }),
  ]);
  if (locked === null || before === null) return null;
  const place = { accepted: before, passed: before };
  const at: Taking = { ends, from: input.from, link: input.link, mirror: locked, snapshots, sentOf, told: new Set() };
  const results: WireResult[] = [];
  const wake = new Set<string>();
  for (const receipt of input.receipts) {
    const result = (await mayNotEnd(unit.tx, at, receipt, place)) ?? (await take(unit, cache, at, receipt, wake));
    results.push(result);
    if (result.status === 'deferred') break;
    if (result.status === 'duplicate') continue;
    if (result.status === 'accepted') place.accepted = Math.max(place.accepted, receipt.seq);
    place.passed = Math.max(place.passed, receipt.seq);
  }
  const { accepted } = place;
  if (accepted > before) {
    unit.last(
      rows(
        unit.tx,
        sql`update lanes set accepted_seq = ${accepted} where mirror = ${input.mirror} and to_instance = ${ends.receiver}`,
      ),
    );
  }
  return { answer: { results, accepted }, wake: [...wake] };
}

/** What the receipts of a batch are taken in with. */
type Taking = {
  readonly ends: LinkEnds;
  readonly from: SideName;
  readonly link: string;
  /** Bound to its ticket by the receipt of the escalation. */
  mirror: Mirror;
  readonly snapshots: Map<string, TicketSnapshot | null>;
  readonly sentOf: (receipt: WireReceipt) => Sent | undefined;
  /** Deliveries that an earlier receipt of this batch has ended. */
  readonly told: Set<string>;
};

/** Why this receipt ends nothing: it has come before, names nothing of ours, or has to wait. Null: it may. */
async function mayNotEnd(
  tx: Tx,
  { ends, mirror, sentOf, told }: Taking,
  receipt: WireReceipt,
  { accepted, passed }: { readonly accepted: number; readonly passed: number },
): Promise<WireResult | null> {
  const { action: id, seq } = receipt;
  const sent = sentOf(receipt);
  if (sent !== undefined && (sent.told || told.has(sent.id)) && seq <= accepted)
    return { id, seq, status: 'duplicate' };
  if (sent === undefined) return { id, seq, status: 'refused', reason: reason('unknown-action') };
  if (ends.state !== 'active' && ends.state !== 'closing' && ends.state !== 'closed') {
    const code = ends.state === 'suspended' ? 'link-suspended' : `link-${ends.state}`;
    const why = reason(code as 'link-suspended', { desk: ends.receiverName });
    return { id, seq, status: 'deferred', reason: why, retryAfterMs: laterMs };
  }
  if (seq > accepted && (receipt.after > passed || seq <= receipt.after))
    return { id, seq, status: 'deferred', reason: reason('gap'), retryAfterMs: soonMs };
  if (await isTaken(tx, mirror, sent, receipt)) {
    const why = reason('ticket-taken', { number: receipt.ticket?.number });
    return { id, seq, status: 'refused', reason: why };
  }
  return null;
}

async function take(
  unit: UnitOfWork,
  cache: VersionCache,
  at: Taking,
  receipt: WireReceipt,
  wake: Set<string>,
): Promise<WireResult> {
  const { action: id, seq } = receipt;
  const sent = must(at.sentOf(receipt), 'what the receipt is about');
  if (sent.told && sent.there) await openAgain(unit.tx, sent.id);
  for (const one of await endSent(unit, cache, sent.id, receipt)) wake.add(one);
  at.told.add(sent.id);
  if (receipt.ticket !== null) {
    // The receipt of the escalation has bound the ticket by now.
    if (at.mirror.state === 'opening') at.mirror = (await lockMirror(unit.tx, at.mirror.id, at.link)) ?? at.mirror;
    await standingSaid(unit.tx, at.mirror, at.from, at.ends.sender, receipt, at.snapshots);
  }
  return { id, seq, status: 'accepted' };
}

/**
 * Allows one mirror per far ticket and link: a peer that names one ticket twice must not keep us from accepting the
 * rest.
 */
async function isTaken(tx: Tx, mirror: Mirror, sent: Sent, { outcome, ticket }: WireReceipt): Promise<boolean> {
  if (!sent.escalation || outcome !== 'applied' || ticket === null || mirror.state !== 'opening') return false;
  const { entity, externalId } = wireRef('', ticket);
  const taken = await rows(
    tx,
    sql`select 1 as one from mirrors
      where link = ${mirror.link} and second_entity = ${entity} and second_ticket = ${externalId}
      and id <> ${mirror.id} and state in ('opening', 'open')`,
  );
  return taken.length > 0;
}

/** Opens a delivery again that another way was to bring and has not brought, so that the new receipt counts. */
async function openAgain(tx: Tx, delivery: string): Promise<void> {
  await tx.execute(
    sql`update deliveries set outcome = null, reason = null, drops = null, ended_at = null where id = ${delivery}`,
  );
}

/**
 * Ends one of our deliveries as its receiver reports, and stores the receiver's half of the trace. A delivery that has
 * ended before, by hand or through an earlier receipt, is unchanged. Returns the instances to wake.
 */
export async function endSent(
  unit: UnitOfWork,
  cache: VersionCache,
  delivery: string,
  said: Pick<WireReceipt, 'outcome' | 'reason' | 'drops' | 'ticket' | 'acceptedAt' | 'endedAt' | 'attempts'>,
): Promise<readonly string[]> {
  const [row] = await rows<HeadRow>(unit.tx, contextQuery(sql`select * from deliveries where id = ${delivery}`));
  if (row === undefined) return [];
  const context = contextOf(row);
  const { ticket, acceptedAt, endedAt, attempts } = said;
  const ended = await endDelivery(unit, cache, context, {
    outcome: said.outcome,
    reason: said.reason,
    drops: said.drops,
    durationMs: 0,
    versions: null,
    by: null,
    alone: true,
    ...(ticket === null || !context.delivery.escalation
      ? {}
      : {
          opened: { entity: wireRef('', ticket).entity, ticketId: ticket.id, number: ticket.number, url: ticket.url },
        }),
  });
  unit.last(
    rows(
      unit.tx,
      sql`update deliveries set far = ${JSON.stringify({ acceptedAt, endedAt, attempts })}::jsonb,
          accepted_at = coalesce(accepted_at, now()) where id = ${delivery}`,
    ),
  );
  return ended.wake;
}

async function standingSaid(
  tx: Tx,
  mirror: Mirror,
  side: SideName,
  instance: string,
  { ticket }: WireReceipt,
  snapshots: Map<string, TicketSnapshot | null>,
): Promise<void> {
  if (ticket === null) return;
  const ref = wireRef(instance, ticket);
  const before = snapshots.get(refKey(ref)) ?? null;
  const standing = snapshotWith(before, ticket);
  await rememberStanding(tx, mirror, side, ref, { standing, before });
  snapshots.set(refKey(ref), standing);
  if (before?.closed !== ticket.closed || mirror.state === 'closed') await moveMirrorsOn(tx, [mirror.id]);
}
