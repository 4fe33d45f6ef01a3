/**
 * Places deliveries on a lane: each takes the next seq, and one whose action the ticket already has ends visibly there.
 */
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
  /** A relay's words and via; absent: the action's own. */
  readonly words?: Words;
  readonly via?: readonly string[];
  /** The constant part as it left the previous desk, if that differs from the logged one. */
  readonly constant?: ConstantPart;
  /** Somebody released it at the sender. */
  readonly late?: boolean;
  /** It ends at once: `there`, the instance has it under another id; `applied`, its ticket was opened earlier. */
  readonly ended?: 'there' | 'applied';
};

export type Placing = {
  /** The instance's name in the reason for what it already has. */
  readonly desk: string;
  /** The highest seq of the sender's lane accepted with these; absent if nothing was received. */
  readonly accepted?: number;
};

/**
 * Locks actions that were logged earlier. If the same action is being brought to a ticket another way, this waits for
 * that, and the later statement then finds it: after the locks of mirrors and lanes, in a statement before the one that
 * places the deliveries.
 */
export async function lockKnown(tx: Tx, actions: readonly string[]): Promise<void> {
  if (actions.length === 0) return;
  await rows(tx, sql`select id from actions where id = any(${uuidArray(actions)}) order by id for no key update`);
}

/**
 * Places deliveries in the given order. The caller holds the locks of the mirror and its lanes, or takes the lane's
 * here.
 */
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

/**
 * Tells whether the mirrors `other` and `here` have the same ticket at this instance. Two without a ticket count as
 * different.
 */
export function sameTicket(to: string): SQL {
  const at = (mirror: string): SQL =>
    sql`case when ${sql.raw(mirror)}.first_instance = ${to} then ${sql.raw(mirror)}.first_entity || chr(10) || ${sql.raw(mirror)}.first_ticket
      else ${sql.raw(mirror)}.second_entity || chr(10) || ${sql.raw(mirror)}.second_ticket end`;
  return sql`${at('other')} = ${at('here')}`;
}
