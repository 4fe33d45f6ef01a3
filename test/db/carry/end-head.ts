/** Ends the head of a lane, as a drain or a person does. */
import { must } from '#core/words/must.ts';
import type { Client, Tx } from '#db/base/client.ts';
import { inTransaction } from '#db/base/transaction.ts';
import { headOf, type DeliveryContext } from '#db/carry/delivery-context.ts';
import type { LaneKey } from '#db/carry/lanes.ts';
import { endDelivery, type Ended, type Ending, type Marked } from '#db/carry/outcome.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';

export async function contextAt(db: Client, lane: LaneKey): Promise<DeliveryContext> {
  return must(await headOf(db, lane), 'the head of the lane');
}

/** By default, applied as it came, by a person and not a drain. */
export function endIn(tx: Tx, context: DeliveryContext, ending: Partial<Ending> = {}): Promise<Ended> {
  return endDelivery(tx, createVersionCache(), context, {
    ...{ outcome: 'applied', reason: null, drops: [], durationMs: 1, versions: null, by: null },
    ...ending,
  });
}

/** How it ended, as it is known after the commit. */
export type EndedHead = Marked & { readonly wake: readonly string[]; readonly isLast: boolean };

export async function endHead(db: Client, lane: LaneKey, ending: Partial<Ending> = {}): Promise<EndedHead> {
  return endAt(db, await contextAt(db, lane), ending);
}

export async function endAt(db: Client, context: DeliveryContext, ending: Partial<Ending> = {}): Promise<EndedHead> {
  const { wake, isLast, marked } = await inTransaction(db, (tx) => endIn(tx, context, ending));
  return { wake, isLast: await isLast, ...(await marked) };
}
