/** Opens a mirror: its row and both its lanes, by whichever way the escalation came. */
import { sql } from 'drizzle-orm';
import { must } from '#core/words/must.ts';
import type { Tx } from '#db/base/client.ts';
import { lockMirror, type Mirror } from './mirrors.ts';

export type NewMirror = {
  /** That of the action that opens it. */
  readonly id: string;
  readonly link: string;
  readonly shadow: boolean;
  readonly customer: {
    readonly instance: string;
    readonly ticketId: string;
    readonly number: string;
    readonly url: string;
  };
  /** The supplier's instance. */
  readonly supplier: string;
};

export async function openMirror(tx: Tx, { id, link, shadow, customer, supplier }: NewMirror): Promise<Mirror> {
  const { instance, ticketId, number, url } = customer;
  await tx.execute(
    sql`insert into mirrors (id, link, shadow, customer_instance, customer_ticket, customer_number, customer_url, supplier_instance)
      values (${id}, ${link}, ${shadow}, ${instance}, ${ticketId}, ${number}, ${url}, ${supplier})`,
  );
  await tx.execute(
    sql`insert into lanes (mirror, to_instance, link) values (${id}, ${supplier}, ${link}), (${id}, ${instance}, ${link})`,
  );
  return must(await lockMirror(tx, id, link), `mirror ${id}, which was opened just now`);
}
