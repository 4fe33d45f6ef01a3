/** Ends deliveries in one statement: their outcomes, attempts and writes, and the new state of their lanes. */
import { sql, type SQL } from 'drizzle-orm';
import type { Outcome, Reason } from '#core/words/vocabulary.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { content, type Content } from '#db/base/content.ts';
import type { OwnWrite } from '#db/log/log-reading.ts';
import type { Versions } from './writes.ts';
import { arrayLiteral, textArray } from '#db/base/text-array.ts';
import type { Gathered } from '#db/base/transaction.ts';

export type EndedDelivery = {
  readonly delivery: string;
  readonly mirror: string;
  readonly to: string;
  readonly outcome: Outcome;
  readonly reason: Reason | null;
  readonly drops: readonly Reason[];
  readonly durationMs: number;
  readonly versions: Versions | null;
  /** A peer had acknowledged it before. */
  readonly accepted: boolean;
  readonly by: EndedBy | null;
  /** The helpdesk's answer to one of its writes; stored whether or not this call ends the delivery. */
  readonly made: OwnWrite | null;
};

/**
 * The drain that reports the end: its epoch, and the promises of the delivery's writes that it knows. The report counts
 * if no other write was promised; without any promise, if that drain still owns the courier. Null: reported by a person
 * or the receiver.
 */
export type EndedBy = { readonly epoch: number; readonly promises: readonly string[] };

/**
 * `ended` false: nothing was changed, because it had ended before or, if `foreign`, somebody else is working on it.
 * `waiting`: the next seq of the lane; null: none.
 */
export type MarkedEnded = { readonly ended: boolean; readonly foreign: boolean; readonly waiting: number | null };

/**
 * Ends many deliveries. The caller holds the locks of the mirrors and their lanes. Rows are named twice, by a list and
 * by the join: a plan for the join alone, made while a table was small, might read all of it.
 */
export const markEnded: Gathered<EndedDelivery, MarkedEnded> = {
  send: markAll,
  keyOf: ({ mirror, to }) => `${mirror} ${to}`,
};

/** The write `w` is the one that the helpdesk has answered, by the same promise. */
const isAnswered = sql`(w.step = asked.step and w.promised_at = asked.promised_at)`;

async function markAll(tx: Tx, ending: readonly EndedDelivery[]): Promise<MarkedEnded[]> {
  const column = (of: (one: EndedDelivery) => string | null | Content): SQL => textArray(ending.map(of));
  const found = await rows<{ delivery: string } & MarkedEnded>(
    tx,
    sql`with asked as materialized (
        select a.delivery::uuid as delivery, a.mirror::uuid as mirror, a.to_instance, a.outcome, a.reason::jsonb as reason,
          a.drops::jsonb as drops, a.duration_ms::int as duration_ms, a.versions::jsonb as versions, a.accepted::boolean as accepted,
          a.epoch::bigint as epoch, a.promises::timestamptz[] as promises, a.step::int as step,
          a.promised_at::timestamptz as promised_at, a.written::jsonb as written, a.ticket
        from unnest(${column((one) => one.delivery)}, ${column((one) => one.mirror)}, ${column((one) => one.to)},
          ${column((one) => one.outcome)}, ${column((one) => content('reason', one.reason))},
          ${column((one) => (one.drops.length === 0 ? null : content('drops', one.drops)))},
          ${column((one) => String(Math.round(one.durationMs)))}, ${column((one) => json(one.versions))},
          ${column((one) => String(one.accepted))}, ${column((one) => (one.by === null ? null : String(one.by.epoch)))},
          ${column((one) => arrayLiteral(one.by?.promises ?? []))},
          ${column((one) => (one.made === null ? null : String(one.made.step)))}, ${column((one) => one.made?.promisedAt ?? null)},
          ${column((one) => json(one.made?.made ?? null))}, ${column((one) => one.made?.made.ticketId ?? null)})
          as a (delivery, mirror, to_instance, outcome, reason, drops, duration_ms, versions, accepted, epoch, promises, step, promised_at, written, ticket)
      ), ended as (
        update deliveries d set outcome = asked.outcome, reason = asked.reason, drops = asked.drops,
          ended_at = clock_timestamp(), attempts = d.attempts + 1, first_tried_at = coalesce(d.first_tried_at, now())
        from asked where d.id = any(array(select delivery from asked)) and d.id = asked.delivery and d.outcome is null
          and (asked.epoch is null or not exists (
            select 1 from writes w where w.delivery = d.id and w.promised_at <> all(asked.promises)
          ) and (cardinality(asked.promises) > 0 or exists (
            select 1 from couriers c where c.instance = asked.to_instance and c.epoch = asked.epoch
          )))
        returning d.id
      ), attempt as (
        insert into attempts (delivery, duration_ms, result, reason, versions)
        select delivery, duration_ms, outcome, reason, versions from asked join ended on ended.id = asked.delivery
      ), settled as (
        update writes w set
          state = case when ended.id is null then 'made' else 'settled' end,
          settled_at = case when ended.id is null then w.settled_at else now() end,
          written = case when ${isAnswered} then asked.written else w.written end,
          ticket = case when ${isAnswered} then coalesce(w.ticket, asked.ticket) else w.ticket end
        from asked left join ended on ended.id = asked.delivery
        where w.delivery = any(array(select delivery from asked)) and w.delivery = asked.delivery
          and (${isAnswered} and w.state in ('open', 'made', 'absent') or ended.id is not null and w.state in ('open', 'made'))
      ), waiting as materialized (
        select asked.delivery, asked.mirror, asked.to_instance, asked.accepted, ended.id is not null as ended,
          ended.id is null and exists (
            select 1 from deliveries d where d.id = asked.delivery and d.outcome is null
          ) as foreign_one, (
          select min(seq) from deliveries d
          where d.mirror = asked.mirror and d.to_instance = asked.to_instance and d.outcome is null
            and d.accepted_at is null and d.set_aside_at is null and d.id <> asked.delivery
        ) as seq
        from asked left join ended on ended.id = asked.delivery
      ), lane as (
        update lanes l set head_seq = coalesce(waiting.seq, l.last_seq + 1),
          due_at = case when waiting.seq is null then null
            -- A receipt from a peer says nothing about when it accepts more.
            when waiting.accepted then coalesce(l.due_at, now()) else now() end
        from waiting where waiting.ended and l.mirror = any(array(select mirror from asked))
          and l.mirror = waiting.mirror and l.to_instance = waiting.to_instance
      )
      select delivery, ended, foreign_one as "foreign", seq::float8 as waiting from waiting`,
  );
  const marked = new Map(found.map((row) => [row.delivery, row]));
  return ending.map(({ delivery }) => {
    const { ended, foreign, waiting } = marked.get(delivery) ?? { ended: false, foreign: false, waiting: null };
    return { ended, foreign, waiting };
  });
}

function json(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
