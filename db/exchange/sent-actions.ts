/**
 * Which of the actions that we sent a receipt tells of. Ids are each origin's own, so a receipt names both; one of a
 * gateway before that names the id alone, and means the first that was sent of that id.
 */
import { sql } from 'drizzle-orm';
import { originOnWire } from '#core/conversation/to-wire.ts';
import type { Directory } from '#core/words/directory.ts';
import type { WireReceipt } from '#core/wire.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { uuidArray } from '#db/base/text-array.ts';

export type Sent = {
  /** The delivery. */
  readonly id: string;
  /** How the action's origin calls it. */
  readonly action: string;
  /** The origin by its id here. */
  readonly origin: string;
  /** An earlier receipt has ended it. */
  readonly told: boolean;
  /** It said that another way had brought it; it may be told otherwise. */
  readonly there: boolean;
  readonly escalation: boolean;
};

export type SentAsked = {
  readonly mirror: string;
  /** The instance that tells. */
  readonly to: string;
  readonly receipts: readonly WireReceipt[];
  readonly directory: Directory;
};

/** Our delivery that each receipt tells of; undefined where nothing of that name was sent there. */
export async function sentBefore(
  tx: Tx,
  { mirror, to, receipts, directory }: SentAsked,
): Promise<(receipt: WireReceipt) => Sent | undefined> {
  const ids = uuidArray(receipts.map(({ action }) => action));
  const found = await rows<Sent>(
    tx,
    sql`select d.id, coalesce(a.said_id, a.id) as action, a.origin, d.escalation,
        d.far is not null and d.far->>'endedAt' is not null as told,
        coalesce(d.outcome = 'skipped' and d.reason->>'code' = 'already-there', false) as there
      from deliveries d join actions a on a.id = d.action
      where d.mirror = ${mirror} and d.to_instance = ${to} and d.kind in ('action', 'copy')
        and coalesce(a.said_id, a.id) = any(${ids})
      order by d.seq`,
  );
  const names = new Map(found.map(({ id, origin }) => [id, originOnWire({ signed: null, origin }, directory)]));
  const sentOf = (receipt: WireReceipt): Sent | undefined =>
    found.find(
      ({ id, action }) =>
        action === receipt.action && (receipt.origin === undefined || names.get(id) === receipt.origin),
    );
  const strange = receipts.filter((one) => one.origin !== undefined && sentOf(one) === undefined);
  if (found.length === 0 || strange.length === 0) return sentOf;
  // It was sent by the name in what its origin signed. That may be known here by another by now, as after its link was purged.
  const signed = await rows<{ id: string; signed: string }>(
    tx,
    sql`select d.id, a.signed from deliveries d join actions a on a.id = d.action
      where d.id = any(${uuidArray(found.map(({ id }) => id))}) and a.signed is not null`,
  );
  for (const { id, signed: text } of signed) names.set(id, originOnWire({ signed: text, origin: '' }, directory));
  return sentOf;
}
