/** The mirrored tickets of an instance, for checking whether they can be read. */
import { sql } from 'drizzle-orm';
import { ticketEntity } from '#core/words/ref.ts';
import { rows, type Db } from '#db/base/client.ts';

/** Returns external ids, most recently opened first. @param most how many at most */
export async function mirroredTickets(db: Db, instance: string, most: number): Promise<string[]> {
  const found = await rows<{ ticket: string }>(
    db,
    sql`select ticket from (
        select first_ticket as ticket, created_at from mirrors
          where first_instance = ${instance} and first_entity = ${ticketEntity} and state = 'open'
        union all
        select second_ticket, created_at from mirrors
          where second_instance = ${instance} and second_entity = ${ticketEntity} and state = 'open'
            and second_ticket is not null) open
      group by ticket order by max(created_at) desc limit ${most}`,
  );
  return found.map(({ ticket }) => ticket);
}

/** Tells whether a ticket has a mirror, or is getting one. */
export async function isMirrored(db: Db, instance: string, ticket: string): Promise<boolean> {
  const found = await rows(
    db,
    sql`select 1 from mirrors where state in ('opening', 'open') and (
        (first_instance = ${instance} and first_entity = ${ticketEntity} and first_ticket = ${ticket}) or
        (second_instance = ${instance} and second_entity = ${ticketEntity} and second_ticket = ${ticket}))
      limit 1`,
  );
  return found.length > 0;
}
