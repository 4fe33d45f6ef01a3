/** Ends the head of a lane, as a drain or a person does. */
import { must } from '#core/words/must.ts';
import type { Client } from '#db/base/client.ts';
import { inUnitOfWork, type UnitOfWork } from '#db/base/unit-of-work.ts';
import { headOf, type DeliveryContext } from '#db/carry/delivery-context.ts';
import type { LaneKey } from '#db/carry/lanes.ts';
import type { MarkedEnded } from '#db/carry/mark-ended.ts';
import { endDelivery, type Ended, type Ending } from '#db/carry/outcome.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';

export async function contextAt(db: Client, lane: LaneKey): Promise<DeliveryContext> {
  return must(await headOf(db, lane), 'the head of the lane');
}

/** By default, applied as it came, by a person and not a drain. */
export function endIn(unit: UnitOfWork, context: DeliveryContext, ending: Partial<Ending> = {}): Promise<Ended> {
  return endDelivery(unit, createVersionCache(), context, {
    ...{ outcome: 'applied', reason: null, drops: [], durationMs: 1, versions: null, by: null },
    ...ending,
  });
}

/** How it ended, as it is known after the commit. */
export type EndedHead = MarkedEnded & { readonly wake: readonly string[]; readonly isLast: boolean };

export async function endHead(db: Client, lane: LaneKey, ending: Partial<Ending> = {}): Promise<EndedHead> {
  return endAt(db, await contextAt(db, lane), ending);
}

export async function endAt(db: Client, context: DeliveryContext, ending: Partial<Ending> = {}): Promise<EndedHead> {
  const { wake, marked } = await inUnitOfWork(db, (unit) => endIn(unit, context, ending));
  const how = marked.get();
  return { wake, isLast: how.waiting === null, ...how };
}
