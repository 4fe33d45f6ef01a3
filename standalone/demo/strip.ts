/** The latest deliveries between two desks, with the rule that applied, for the demo's list. Without the texts of notes. */
import { sql } from 'drizzle-orm';
import { ticketEntity } from '#core/words/ref.ts';
import type { Outcome, Reason, Words } from '#core/words/vocabulary.ts';
import { rows } from '#db/base/client.ts';
import type { Db } from '#db/base/client.ts';
import { iso } from '#db/base/iso.ts';

export type StripRow = {
  /** Id of the delivery. */
  readonly id: string;
  readonly kind: 'action' | 'receipt' | 'copy';
  readonly action: string;
  readonly mirror: string;
  readonly escalation: boolean;
  readonly from: string;
  /** Where the action was observed: instance, and the ticket's id there. */
  readonly instance: string;
  readonly ticket: string;
  readonly external_id: string;
  readonly to: string;
  readonly to_ticket: string | null;
  readonly author_role: string | null;
  readonly author: string | null;
  /** The sender's words. */
  readonly words: Words | null;
  /** The change at the receiving desk; null until decided. */
  readonly command: {
    readonly kind: string | null;
    readonly status: string | null;
    readonly category: string | null;
    readonly priority: string | null;
    readonly mailsUser: boolean;
    readonly visibility: 'visible' | 'hidden';
  } | null;
  /** Type of the ticket that it opened. */
  readonly opened_type: string | null;
  /** For an escalation: the escalated ticket's own words, as last read. */
  readonly ticket_words: {
    readonly type: string | null;
    readonly priority: string | null;
    readonly category: string | null;
  } | null;
  readonly outcome: Outcome | null;
  readonly reason: Reason | null;
  readonly held: boolean;
  readonly attempts: number;
  /** Ids of the resulting actions at the receiving desk, from the desk's answer or from recognising them. */
  readonly written: readonly string[];
  /** The far ticket's number in a receipt. */
  readonly told: string | null;
  readonly queued_at: string;
  readonly ended_at: string | null;
  /** Milliseconds from the log to the outcome; null until then. */
  readonly ms: number | null;
};

/** Returns the latest deliveries of a link, newest first. */
export async function loadStrip(db: Db, link: string, limit: number): Promise<StripRow[]> {
  return rows<StripRow>(
    db,
    sql`select d.id, d.kind, d.action, d.mirror, d.escalation,
        case when d.to_instance = m.first_instance then m.second_instance else m.first_instance end as from,
        a.instance, a.ticket, a.external_id, d.to_instance as to,
        case when d.to_instance = m.first_instance then coalesce(m.first_number, m.first_ticket)
          else coalesce(m.second_number, m.second_ticket) end as to_ticket,
        a.author->>'role' as author_role, a.author->>'name' as author, coalesce(d.words, a.words) as words,
        w.command, w.opened_type,
        case when d.escalation and t.snapshot is not null then jsonb_build_object('type', t.snapshot->'type',
          'priority', t.snapshot->'priority', 'category', t.snapshot->'category') end as ticket_words,
        d.outcome, d.reason, d.held_at is not null and d.released_at is null as held,
        d.attempts, (select coalesce(jsonb_agg(own.id order by own.id), '[]'::jsonb) from (
            select external_id as id from written_ids
              where instance = d.to_instance and delivery = d.id and "as" = 'echo'
            union
            select jsonb_array_elements_text(coalesce(w.written, '[]'::jsonb))) own) as written, d.receipt->>'farNumber' as told,
        ${iso('d.created_at')} as queued_at, ${iso('d.ended_at')} as ended_at,
        round(extract(epoch from d.ended_at - d.created_at) * 1000)::int as ms
      from (
        select d.* from deliveries d join mirrors m on m.id = d.mirror and m.link = ${link}
        order by d.id desc limit ${limit}) d
      join mirrors m on m.id = d.mirror
      join actions a on a.id = d.action
      left join tickets t on t.instance = a.instance and t.entity = a.entity and t.external_id = a.ticket
      left join lateral (
        select jsonb_build_object('kind', plan->'command'->'kind', 'status', plan->'command'->'status',
            'category', plan->'command'->'category', 'priority', plan->'command'->'priority',
            'mailsUser', plan->'command'->'mailsUser', 'visibility', plan->'command'->'visibility') as command,
          plan->'command'->'open'->>'type' as opened_type, written->'actionIds' as written
        from writes where delivery = d.id and step = 0 and state <> 'absent'
      ) w on true
      order by d.id desc`,
  );
}

export type MirrorSeen = {
  readonly id: string;
  readonly state: string;
  readonly customer_ticket: string;
  readonly supplier_ticket: string | null;
};

/** Returns the latest mirror of a customer's ticket on a link; null if it was never escalated. */
export async function latestMirror(db: Db, link: string, ticket: string): Promise<MirrorSeen | null> {
  const [found] = await rows<MirrorSeen>(
    db,
    sql`select id, state, first_ticket as customer_ticket, second_ticket as supplier_ticket from mirrors
      where link = ${link} and first_entity = ${ticketEntity} and first_ticket = ${ticket} order by id desc limit 1`,
  );
  return found ?? null;
}
