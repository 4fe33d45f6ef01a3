/** Opens a mirror: its row and both its lanes, however the escalation arrived. */
import { sql } from 'drizzle-orm';
import { must } from '#core/words/must.ts';
import { ticketEntity } from '#core/words/ref.ts';
import type { Ref } from '#core/words/vocabulary.ts';
import type { Tx } from '#db/base/client.ts';
import { lockMirror, type Mirror } from './mirrors.ts';

export type NewMirror = {
  /** The id of the action that opens it, unless another link's mirror has that id. */
  readonly id: string;
  /** If they differ from `id`: its name on the link, and the local id of the action that opens it. */
  readonly said?: string;
  readonly openedBy?: string;
  readonly link: string;
  readonly shadow: boolean;
  readonly customer: {
    readonly ref: Ref;
    readonly number: string;
    readonly url: string;
  };
  /** The supplier's instance. */
  readonly supplier: string;
};

export async function openMirror(
  tx: Tx,
  { id, said = id, openedBy = id, link, shadow, customer, supplier }: NewMirror,
): Promise<Mirror> {
  const { ref, number, url } = customer;
  await tx.execute(
    sql`insert into mirrors (id, said_id, opened_by, link, shadow, first_instance, first_entity, first_ticket, first_number, first_url,
        second_instance, second_entity)
      values (${id}, nullif(${said}::uuid, ${id}::uuid), nullif(${openedBy}::uuid, ${id}::uuid), ${link}, ${shadow}, ${ref.instance}, ${ref.entity}, ${ref.externalId}, ${number}, ${url},
        ${supplier}, ${ticketEntity})`,
  );
  await tx.execute(
    sql`insert into lanes (mirror, to_instance, link) values (${id}, ${supplier}, ${link}), (${id}, ${ref.instance}, ${link})`,
  );
  return must(await lockMirror(tx, id, link), `mirror ${id}, which was opened just now`);
}
