/** Refs: how a record is named, compared and used as a key. */
import type { Ref } from './vocabulary.ts';

/** The entity that helpdesks read and write, and the default when a gateway names none. */
export const ticketEntity = 'ticket';

export function ticketRef(instance: string, ticketId: string): Ref {
  return { instance, entity: ticketEntity, externalId: ticketId };
}

/** Names another record of the same entity, given an end, a feed or a ref. */
export function refAt({ instance, entity }: Pick<Ref, 'instance' | 'entity'>, externalId: string): Ref {
  return { instance, entity, externalId };
}

/** Returns one text per record: two refs share it only if they name the same record. */
export function refKey({ instance, entity, externalId }: Ref): string {
  return JSON.stringify([instance, entity, externalId]);
}
