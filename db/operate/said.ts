/** Who wrote what on a ticket, with the evidence for it. */
import { sql } from 'drizzle-orm';
import type { Attachment, Audience, Person, Ref } from '#core/words/vocabulary.ts';
import { rows, type Db } from '#db/base/client.ts';
import { iso } from '#db/base/iso.ts';

export type Said = {
  readonly id: string;
  readonly instance: string;
  readonly ticket: string;
  readonly origin: string;
  readonly via: readonly string[];
  readonly at: string;
  readonly author: Person | null;
  readonly audience: Audience;
  readonly note: string | null;
  readonly attachments: readonly Attachment[];
  readonly hash: string;
  readonly signed: string | null;
  readonly signature: string | null;
  /** The contents were deleted at the end of their retention. */
  readonly expired: boolean;
  /** Hashes of what we sent, one per gateway that received it. */
  readonly sent: readonly string[];
};

/** Lists the ticket's actions and those of the tickets it is mirrored with, ordered by time. */
export async function saidOn(db: Db, { instance, entity, externalId }: Ref): Promise<Said[]> {
  return rows<Said>(
    db,
    sql`with tickets as (
        select ${instance}::text as instance, ${entity}::text as entity, ${externalId}::text as ticket
        union select first_instance, first_entity, first_ticket from mirrors
          where second_instance = ${instance} and second_entity = ${entity} and second_ticket = ${externalId}
        union select second_instance, second_entity, second_ticket from mirrors
          where first_instance = ${instance} and first_entity = ${entity} and first_ticket = ${externalId} and second_ticket is not null
      )
      select a.id, a.instance, a.ticket, a.origin, a.via, ${iso('a.at')} as at, a.author, a.audience, a.note, a.attachments, a.hash,
        a.signed, a.signature, a.author is null and a.reason is null as expired,
        array(select distinct d.sent_hash from deliveries d where d.action = a.id and d.sent_hash is not null) as sent
      from actions a join tickets t on t.instance = a.instance and t.entity = a.entity and t.ticket = a.ticket
      where a.reason is null or a.signed is not null
      order by a.at, a.id`,
  );
}
