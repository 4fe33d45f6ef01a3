/** Refs: how a record is named, compared and used as a key. */
import type { Ref } from './vocabulary.ts';

/** The entity of what helpdesks read and write; what a gateway means that names none. */
export const ticketEntity = 'ticket';

export function ticketRef(instance: string, ticketId: string): Ref {
  return { instance, entity: ticketEntity, externalId: ticketId };
}

/** One of the records of an entity; of an end, a feed or another ref. */
export function refAt({ instance, entity }: Pick<Ref, 'instance' | 'entity'>, externalId: string): Ref {
  return { instance, entity, externalId };
}

/** One text per record: two refs have the same one only if they name the same record. */
export function refKey({ instance, entity, externalId }: Ref): string {
  return JSON.stringify([instance, entity, externalId]);
}
