/** Everything Ferry knows about one ticket, read for the timeline. Contents only where asked for. */
import { sql } from 'drizzle-orm';
import { ticketEntity } from '#core/words/ref.ts';
import type { Outcome, Reason, Ref } from '#core/words/vocabulary.ts';
import type { LinkState, WireContact } from '#core/wire.ts';
import { rows } from '#db/base/client.ts';
import type { Db } from '#db/base/client.ts';
import { iso } from '#db/base/iso.ts';
import { uuidArray } from '#db/base/text-array.ts';

export type TraceMirror = {
  readonly id: string;
  readonly link: string;
  readonly state: string;
  readonly shadow: boolean;
  readonly close_reason: string | null;
  readonly paused: boolean;
  readonly pause_reason: string | null;
  readonly created_at: string;
  readonly opened_at: string | null;
  readonly closed_at: string | null;
  readonly customer_instance: string;
  readonly customer_entity: string;
  readonly customer_ticket: string;
  readonly customer_number: string | null;
  readonly customer_url: string | null;
  readonly supplier_instance: string;
  readonly supplier_entity: string;
  readonly supplier_ticket: string | null;
  readonly supplier_number: string | null;
  readonly supplier_url: string | null;
  readonly link_state: LinkState;
  /** Whom to call at the other side. */
  readonly far_contact: WireContact | null;
};

export type TraceAction = {
  readonly id: string;
  readonly instance: string;
  readonly ticket: string;
  readonly external_id: string;
  readonly origin: string;
  readonly via: readonly string[];
  /** The same at every gateway that it passes. */
  readonly trace: string | null;
  readonly at: string;
  readonly logged_at: string;
  readonly role: string | null;
  readonly audience: string;
  readonly visibility: string;
  readonly send_to: string | null;
  readonly kind: string | null;
  /** What else it changed: names of words and fields, without their values. */
  readonly changes: readonly string[];
  readonly files: number;
  readonly has_note: boolean;
  readonly reason: string | null;
  /** Only where asked for. */
  readonly author: string | null;
  readonly note: string | null;
};

export type TraceDelivery = {
  readonly id: string;
  readonly mirror: string;
  readonly to_instance: string;
  readonly seq: number;
  readonly kind: 'action' | 'receipt' | 'copy';
  readonly action: string;
  readonly escalation: boolean;
  readonly receipt: { readonly outcome: Outcome; readonly reason: Reason; readonly farNumber: string | null } | null;
  readonly outcome: Outcome | null;
  readonly reason: Reason | null;
  readonly drops: readonly Reason[] | null;
  readonly attempts: number;
  readonly held_at: string | null;
  readonly set_aside_at: string | null;
  readonly released_at: string | null;
  readonly created_at: string;
  /** A peer has it since then. */
  readonly accepted_at: string | null;
  /** The peer's half, by its own clock. */
  readonly far: { readonly acceptedAt: string; readonly endedAt: string | null; readonly attempts: number } | null;
  readonly ended_at: string | null;
};

export type TraceAttempt = {
  readonly delivery: string;
  readonly at: string;
  readonly duration_ms: number;
  readonly result: string;
  readonly reason: Reason | null;
};

export type TraceWrite = {
  readonly delivery: string;
  readonly step: number;
  readonly instance: string;
  readonly ticket: string | null;
  readonly state: string;
  readonly promised_at: string;
  readonly settled_at: string | null;
};

/** What an automation did because of our writes; it is kept and not carried. */
export type TraceConsequence = {
  readonly instance: string;
  readonly ticket: string;
  readonly external_id: string;
  readonly at: string;
};

export type TraceRows = {
  readonly mirrors: readonly TraceMirror[];
  readonly actions: readonly TraceAction[];
  readonly deliveries: readonly TraceDelivery[];
  readonly attempts: readonly TraceAttempt[];
  readonly writes: readonly TraceWrite[];
  readonly consequences: readonly TraceConsequence[];
};

/** Most actions shown of one ticket; the latest ones. */
export const traceLimit = 2_000;

/** The ticket by its external id, or by the number people know it by; null where nothing is known of it. */
export async function findTicket(db: Db, instance: string, name: string): Promise<Ref | null> {
  const bare = name.replace(/^#/, '');
  const at = { instance, entity: ticketEntity };
  const [found] = await rows<{ id: string }>(
    db,
    sql`select external_id as id, 0 as rank from tickets
        where instance = ${instance} and entity = ${at.entity} and external_id in (${name}, ${bare})
      union all
      select first_ticket, 1 from mirrors
        where first_instance = ${instance} and first_entity = ${at.entity} and first_ticket in (${name}, ${bare})
      union all
      select second_ticket, 1 from mirrors
        where second_instance = ${instance} and second_entity = ${at.entity} and second_ticket in (${name}, ${bare})
      union all
      (select ticket, 2 from actions
        where instance = ${instance} and entity = ${at.entity} and ticket in (${name}, ${bare}) limit 1)
      union all
      select first_ticket, 3 from mirrors
        where first_instance = ${instance} and first_entity = ${at.entity} and lower(first_number) = lower(${name})
      union all
      select second_ticket, 3 from mirrors
        where second_instance = ${instance} and second_entity = ${at.entity} and lower(second_number) = lower(${name})
      order by rank limit 1`,
  );
  return found === undefined ? null : { ...at, externalId: found.id };
}

export async function knownInstances(db: Db): Promise<string[]> {
  return (await rows<{ id: string }>(db, sql`select id from instances order by id`)).map(({ id }) => id);
}

/** Reads in one snapshot, so that what belongs together is together. */
export async function loadTrace(db: Db, ticket: Ref, options: { readonly notes: boolean }): Promise<TraceRows> {
  return db.transaction(
    async (tx) => {
      const mirrors = await mirrorsOf(tx, ticket);
      const tickets = [
        ticket,
        ...mirrors.flatMap((m) => [
          { instance: m.customer_instance, entity: m.customer_entity, externalId: m.customer_ticket },
          { instance: m.supplier_instance, entity: m.supplier_entity, externalId: m.supplier_ticket },
        ]),
      ];
      const named = sql`(select distinct t.instance, t.entity, t."externalId" as ticket from json_to_recordset(${JSON.stringify(tickets)}::json)
        as t (instance text, entity text, "externalId" text) where t."externalId" is not null)`;
      const actions = await actionsOf(tx, named, options.notes);
      const deliveries = await deliveriesOf(tx, mirrors, actions);
      const ids = uuidArray(deliveries.map(({ id }) => id));
      return {
        mirrors,
        actions,
        deliveries,
        attempts: await rows<TraceAttempt>(
          tx,
          sql`select delivery, ${iso('at')} as at, duration_ms, result, reason from attempts
            where delivery = any(${ids}) order by attempts.at`,
        ),
        writes: await rows<TraceWrite>(
          tx,
          sql`select delivery, step, instance, ticket, state, ${iso('promised_at')} as promised_at,
              ${iso('settled_at')} as settled_at
            from writes where delivery = any(${ids}) order by delivery, step`,
        ),
        consequences: await rows<TraceConsequence>(
          tx,
          sql`select w.instance, w.ticket, w.external_id, ${iso('w.at')} as at from written_ids w
            join ${named} n on n.instance = w.instance and n.entity = w.entity and n.ticket = w.ticket
            where w.as = 'consequence' order by w.at limit ${traceLimit}`,
        ),
      };
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

async function mirrorsOf(db: Db, { instance, entity, externalId }: Ref): Promise<TraceMirror[]> {
  return rows<TraceMirror>(
    db,
    sql`select id, link, state, shadow, close_reason, paused_at is not null as paused, pause_reason,
        ${iso('created_at')} as created_at, ${iso('opened_at')} as opened_at, ${iso('closed_at')} as closed_at,
        first_instance as customer_instance, first_entity as customer_entity, first_ticket as customer_ticket,
        first_number as customer_number, first_url as customer_url,
        second_instance as supplier_instance, second_entity as supplier_entity, second_ticket as supplier_ticket,
        second_number as supplier_number, second_url as supplier_url,
        (select state from links where id = link) as link_state, (select far_contact from links where id = link) as far_contact
      from mirrors
      where (first_instance = ${instance} and first_entity = ${entity} and first_ticket = ${externalId})
        or (second_instance = ${instance} and second_entity = ${entity} and second_ticket = ${externalId})
      order by id desc limit 50`,
  );
}

async function actionsOf(db: Db, tickets: ReturnType<typeof sql>, notes: boolean): Promise<TraceAction[]> {
  const latest = await rows<TraceAction>(
    db,
    sql`select a.id, a.instance, a.ticket, a.external_id, a.origin, a.via, a.trace, ${iso('a.at')} as at,
        ${iso('a.logged_at')} as logged_at, a.author->>'role' as role, a.audience, a.visibility, a.send_to,
        a.words->>'kind' as kind,
        array(
          select key from jsonb_object_keys(coalesce(a.words, '{}'::jsonb)) key where key not in ('kind', 'fields')
          union all
          select 'field ' || field from jsonb_object_keys(coalesce(a.words->'fields', '{}'::jsonb)) field
        ) as changes,
        jsonb_array_length(a.attachments) as files, a.note is not null as has_note, a.reason,
        ${notes ? sql`a.author->>'name'` : sql`null::text`} as author, ${notes ? sql`a.note` : sql`null::text`} as note
      from actions a join ${tickets} n on n.instance = a.instance and n.entity = a.entity and n.ticket = a.ticket
      order by a.at desc, a.id desc limit ${traceLimit}`,
  );
  return latest.toReversed();
}

async function deliveriesOf(
  db: Db,
  mirrors: readonly TraceMirror[],
  actions: readonly TraceAction[],
): Promise<TraceDelivery[]> {
  return rows<TraceDelivery>(
    db,
    sql`select id, mirror, to_instance, seq::float8 as seq, kind, action, escalation, receipt, outcome, reason, drops, attempts,
        ${iso('held_at')} as held_at, ${iso('set_aside_at')} as set_aside_at, ${iso('released_at')} as released_at,
        ${iso('created_at')} as created_at, ${iso('accepted_at')} as accepted_at, far, ${iso('ended_at')} as ended_at
      from deliveries
      where action = any(${uuidArray(actions.map(({ id }) => id))})
        or mirror = any(${uuidArray(mirrors.map(({ id }) => id))})
      order by deliveries.created_at, seq limit ${traceLimit * 2}`,
  );
}
