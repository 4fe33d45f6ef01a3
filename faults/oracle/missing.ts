/** What people did and what has not arrived at the other desk yet. */
import type { FaultAction, FaultTicket } from '#faults/desk/records.ts';
import { stateOf } from '#faults/desk/records.ts';
import { farsOf, field, fieldIn, nearOf, tokensOf, type Journal, type Message, type Talk } from '#faults/journal.ts';
import { statusAtSupplier } from '#faults/world.ts';

export type Missing = {
  readonly talk: Talk;
  /** The side on which it was written. */
  readonly side: 'near' | 'far';
  /** The token of what was written; null if it is the ticket itself. */
  readonly token: string | null;
  /** Set if both tickets exist and differ. */
  readonly differs?: true;
  readonly text: string;
};

/** Lists everything that is still to arrive, in the order in which it was done. Empty if everything is carried. */
export function missing(journal: Journal): Missing[] {
  return [
    ...journal.talks.flatMap(missingOfTalk),
    ...journal.said
      .filter((one) => one.what !== 'private' && arrivalsOf(one).length === 0)
      .map(({ talk, side, token, what }) => ({
        ...{ talk, side, token },
        text: `${what} «${token}», said on the ${side} ticket of ${talk.ticket}`,
      })),
  ];
}

/** Finds where something arrived at the other end of its conversation. */
export function arrivalsOf({ talk, side, token }: Pick<Message, 'talk' | 'side' | 'token'>): readonly FaultAction[] {
  const there = side === 'near' ? farsOf(talk) : [nearOf(talk)];
  return there.flatMap((ticket) =>
    (ticket?.actions ?? []).filter((one) => one.by === 'service' && tokensOf(one).includes(token)),
  );
}

function missingOfTalk(talk: Talk): Missing[] {
  const near = nearOf(talk);
  const [far] = farsOf(talk);
  const lack = (text: string): Missing[] => [{ talk, side: 'near', token: null, text }];
  if (far === undefined) return lack(`the ticket that the escalation of ${talk.ticket} opens`);
  if (near === undefined) return [];
  if (near.reference !== far.id) return lack(`the number of ${far.id} on ${talk.ticket}, which has ${near.reference}`);
  const differs = difference(talk, near, far);
  return differs === null ? [] : lack(differs).map((one) => ({ ...one, differs: true as const }));
}

/** Tells how the states of the two tickets differ. Null if they agree as far as their statuses can. */
export function difference({ pair }: Talk, near: FaultTicket, far: FaultTicket): string | null {
  const [here, there] = [stateOf(near), stateOf(far)];
  const agrees = there.status === here.status || statusAtSupplier(pair, here.status) === there.status;
  if (!agrees) return `${near.id} is ${here.status}, ${far.id} is ${there.status}`;
  const [own, theirs] = [here, there].map(({ fields }) => fieldIn(fields));
  return own === theirs ? null : `${field} is "${own}" on ${near.id}, "${theirs}" on ${far.id}`;
}
