/** Finds the changes that a delivery meets at its destination ticket. */
import { changesAnything, countsAs, type Change, type Stamp } from '#core/conversation/meet.ts';
import { reachOf } from '#core/words/reach.ts';
import { optIn } from '#core/rules/opt-in.ts';
import type { Outbound } from '#core/rules/settings.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import type { KnownChange } from '#db/log/changes.ts';

export type ChangesHere = {
  /** Changes that the other side learns of too, so that both ends reach the same result. */
  readonly shared: readonly Change[];
  /** All changes by any author. */
  readonly all: readonly Change[];
};

export function stampOf({ action, from }: DeliveryContext): Stamp {
  return { at: countsAs(action.at, action.loggedAt), side: from.side };
}

/** @param outbound of the receiving side: it decides which of its own changes are sent */
export function changesHere(context: DeliveryContext, known: readonly KnownChange[], outbound: Outbound): ChangesHere {
  const others = known.filter((one) => changesAnything(one.changed) && !isBefore(context, one));
  return {
    shared: others.filter((one) => isShared(context, one, outbound)).map((one) => changeOf(context, one)),
    all: others.map((one) => changeOf(context, one)),
  };
}

/**
 * Tells whether a change is the delivery's own or came before it on the same lane: a lane follows the order of its
 * origin, whatever the times say. A delivery that was released or retried later has lost its place, so the times
 * decide.
 */
function isBefore({ delivery, mirror }: DeliveryContext, { came }: KnownChange): boolean {
  if (came === null || came.mirror !== mirror.id) return false;
  return came.delivery === delivery.id || (delivery.releasedAt === null && came.seq < delivery.seq);
}

function changeOf({ mirror, from, to }: DeliveryContext, { came, at, author, changed }: KnownChange): Change {
  return { at, author, changed, side: came?.mirror === mirror.id ? from.side : to.side };
}

function isShared({ mirror, action, from, to }: DeliveryContext, change: KnownChange, outbound: Outbound): boolean {
  if (change.came?.mirror === mirror.id) return true;
  const leaving = change.leaves.find((one) => one.mirror === mirror.id);
  if (leaving === undefined || leaving.state === 'stayed') return false;
  // An API client does not order what it has read and what it then sends: what it had read, it knew.
  if (
    reachOf(from.type) === 'api' &&
    leaving.endedAt !== null &&
    Date.parse(leaving.endedAt) < Date.parse(action.loggedAt)
  ) {
    return false;
  }
  if (leaving.state === 'arrived' || change.came !== null) return true;
  const { author, sendTo, kind, changed } = change;
  const words = { ...changed, kind };
  return (
    author !== null && optIn({ words, author, ...(sendTo === null ? {} : { sendTo }) }, to.side, outbound) === 'sent'
  );
}
