/** Places deliveries on a lane: each takes the next seq, and what its ticket has by another way ends there, visibly. */
import { sql, type SQL } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import type { ConstantPart, Words } from '#core/words/vocabulary.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { content, contentJson } from '#db/base/content.ts';
import { uuidArray } from '#db/base/text-array.ts';

export type Lane = { readonly mirror: string; readonly to: string };

export type NewDelivery = {
  readonly action: string;
  readonly escalation?: boolean;
  /** A relay's words and via; absent, the action's own. */
  readonly words?: Words;
  readonly via?: readonly string[];
  /** The constant part as it left the desk before, where that is not as it was logged. */
  readonly constant?: ConstantPart;
  /** Somebody released it at the sender. */
  readonly late?: boolean;
  /** It ends at once: `there`, the instance has it under another id; `applied`, its ticket was opened before. */
  readonly ended?: 'there' | 'applied';
};

export type Placing = {
  /** How the instance is called in the reason of what it has already. */
  readonly desk: string;
  /** The highest seq of the sender's lane that is taken in with these; absent where nothing was received. */
  readonly accepted?: number;
};

/**
 * Actions that were logged before. What brings one of them to a ticket waits here for what brings it there by another way,
 * and then finds it: behind the locks of mirrors and lanes, in a statement before that which places them.
 */
export async function lockKnown(tx: Tx, actions: readonly string[]): Promise<void> {
  if (actions.length === 0) return;
  await rows(tx, sql`select id from actions where id = any(${uuidArray(actions)}) order by id for no key update`);
}

/** In the order given. The caller holds the locks of the mirror and its lanes, or takes the lane's here. */
export async function placeDeliveries(
  tx: Tx,
  { mirror, to }: Lane,
  deliveries: readonly NewDelivery[],
  { desk, accepted }: Placing,
): Promise<void> {
  const already = reason('already-there', { desk });
  const taken = accepted === undefined ? sql`` : sql`, accepted_seq = ${accepted}`;
  await rows(
    tx,
    sql`with input as materialized (
        select * from jsonb_to_recordset(${contentJson(deliveries.map((one, n) => sealable(one, n)))}::jsonb)
          as x (n int, action uuid, escalation boolean, words jsonb, via jsonb, constant jsonb, late boolean, ended text)
      ), lane as (
        update lanes set last_seq = last_seq + ${deliveries.length}, due_at = coalesce(due_at, now())${taken}
        where mirror = ${mirror} and to_instance = ${to} returning last_seq - ${deliveries.length} as base
      ), placed as (
        select input.*, lane.base + input.n + 1 as seq, coalesce(ended = 'there', false) or exists (
          select 1 from deliveries d join mirrors other on other.id = d.mirror join mirrors here on here.id = ${mirror}
          where d.action = input.action and d.to_instance = ${to} and d.kind = 'action'
            and (d.mirror = here.id or ((d.outcome is null or d.outcome = 'applied') and ${sameTicket(to)}))
        ) as there from input, lane
      )
      insert into deliveries (mirror, to_instance, seq, kind, action, escalation, words, via, constant, released_at, outcome,
        reason, ended_at)
      select ${mirror}, ${to}, seq, case when there then 'copy' else 'action' end, action, coalesce(escalation, false), words,
        case when via is not null then array(select jsonb_array_elements_text(via)) end, constant,
        case when late then now() end, case when there then 'skipped' else nullif(ended, 'there') end,
        case when there then ${content('reason', already)}::jsonb end, case when there or ended is not null then now() end
      from placed order by seq`,
  );
}

function sealable(one: NewDelivery, n: number): object {
  return {
    ...one,
    n,
    words: content('relayed-words', one.words) ?? undefined,
    constant: content('constant', one.constant) ?? undefined,
  };
}

/** Whether the mirrors `other` and `here` have one ticket at this instance. Two that have none yet have two. */
export function sameTicket(to: string): SQL {
  const at = (mirror: string): SQL =>
    sql`case when ${sql.raw(mirror)}.first_instance = ${to} then ${sql.raw(mirror)}.first_entity || chr(10) || ${sql.raw(mirror)}.first_ticket
      else ${sql.raw(mirror)}.second_entity || chr(10) || ${sql.raw(mirror)}.second_ticket end`;
  return sql`${at('other')} = ${at('here')}`;
}
