/** Reads everything Ferry knows about one ticket, for the timeline. Contents only on request. */
import { sql } from 'drizzle-orm';
import type { Ends } from '#core/words/ends.ts';
import { ticketEntity } from '#core/words/ref.ts';
import type { Outcome, Reason, Ref } from '#core/words/vocabulary.ts';
import type { LinkState, WireContact } from '#core/wire.ts';
import { camelRows } from '#db/base/camel-rows.ts';
import { rows, type Db } from '#db/base/client.ts';
import { iso } from '#db/base/iso.ts';
import { endsOf } from '#db/base/places.ts';
import { uuidArray } from '#db/base/text-array.ts';

export type TraceTicket = {
  readonly instance: string;
  readonly entity: string;
  readonly ticket: string | null;
  readonly number: string | null;
  readonly url: string | null;
};

export type TraceMirror = {
  readonly id: string;
  readonly link: string;
  readonly state: string;
  readonly shadow: boolean;
  readonly closeReason: string | null;
  readonly paused: boolean;
  readonly pauseReason: string | null;
  readonly createdAt: string;
  readonly openedAt: string | null;
  readonly closedAt: string | null;
  readonly ends: Ends<TraceTicket>;
  readonly linkState: LinkState;
  /** Whom to call at the other side. */
  readonly farContact: WireContact | null;
};

export type TraceAction = {
  readonly id: string;
  readonly instance: string;
  readonly ticket: string;
  readonly externalId: string;
  readonly origin: string;
  readonly via: readonly string[];
  /** The same at every gateway that it passes. */
  readonly trace: string | null;
  readonly at: string;
  readonly loggedAt: string;
  /** When its text was first seen to have been edited at its desk. */
  readonly editedAt: string | null;
  readonly role: string | null;
  readonly audience: string;
  readonly visibility: string;
  readonly sendTo: string | null;
  readonly kind: string | null;
  /** What else it changed: names of words and fields, without their values. */
  readonly changes: readonly string[];
  readonly files: number;
  readonly hasNote: boolean;
  readonly reason: string | null;
  /** Only on request. */
  readonly author: string | null;
  readonly note: string | null;
};

export type TraceDelivery = {
  readonly id: string;
  readonly mirror: string;
  readonly toInstance: string;
  readonly seq: number;
  readonly kind: 'action' | 'receipt' | 'copy';
  readonly action: string;
  readonly escalation: boolean;
  readonly receipt: { readonly outcome: Outcome; readonly reason: Reason; readonly farNumber: string | null } | null;
  readonly outcome: Outcome | null;
  readonly reason: Reason | null;
  readonly drops: readonly Reason[] | null;
  readonly attempts: number;
  readonly heldAt: string | null;
  readonly setAsideAt: string | null;
  readonly releasedAt: string | null;
  readonly createdAt: string;
  /** Since when a peer has it. */
  readonly acceptedAt: string | null;
  /** The peer's half, by its own clock. */
  readonly far: { readonly acceptedAt: string; readonly endedAt: string | null; readonly attempts: number } | null;
  readonly endedAt: string | null;
};

export type TraceAttempt = {
  readonly delivery: string;
  readonly at: string;
  readonly durationMs: number;
  readonly result: string;
  readonly reason: Reason | null;
};

export type TraceWrite = {
  readonly delivery: string;
  readonly step: number;
  readonly instance: string;
  readonly ticket: string | null;
  readonly state: string;
  readonly promisedAt: string;
  readonly settledAt: string | null;
  /** What it was to be there, in that desk's words; all null but with the first step, and once contents were deleted. */
  readonly asKind: string | null;
  readonly asVisibility: string | null;
  readonly asStatus: string | null;
  readonly asCategory: string | null;
  readonly asPriority: string | null;
};

/** What an automation did because of our writes; stored but not carried. */
export type TraceConsequence = {
  readonly instance: string;
  readonly ticket: string;
  readonly externalId: string;
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

/** Most actions shown for one ticket; the latest ones. */
export const traceLimit = 2_000;

/** Finds the ticket by its external id, or by the number people use; null if nothing is known of it. */
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
      union all
      select ticket, 4 from trials where instance = ${instance} and ticket in (${name}, ${bare})
      order by rank limit 1`,
  );
  return found === undefined ? null : { ...at, externalId: found.id };
}

export async function knownInstances(db: Db): Promise<string[]> {
  return (await rows<{ id: string }>(db, sql`select id from instances order by id`)).map(({ id }) => id);
}

/** Reads everything in one database snapshot, so that it is consistent. */
export async function loadTrace(db: Db, ticket: Ref, options: { readonly notes: boolean }): Promise<TraceRows> {
  return db.transaction(
    async (tx) => {
      const mirrors = await mirrorsOf(tx, ticket);
      const tickets = [
        { ...ticket, ticket: ticket.externalId },
        ...mirrors.flatMap(({ ends }) => [ends.customer, ends.supplier]),
      ];
      const named = sql`(select distinct t.instance, t.entity, t.ticket from json_to_recordset(${JSON.stringify(tickets)}::json)
        as t (instance text, entity text, ticket text) where t.ticket is not null)`;
      const actions = await actionsOf(tx, named, options.notes);
      const deliveries = await deliveriesOf(tx, mirrors, actions);
      const ids = uuidArray(deliveries.map(({ id }) => id));
      return {
        mirrors,
        actions,
        deliveries,
        attempts: await camelRows<TraceAttempt>(
          tx,
          sql`select delivery, ${iso('at')} as at, duration_ms, result, reason from attempts
            where delivery = any(${ids}) order by attempts.at`,
        ),
        writes: await camelRows<TraceWrite>(
          tx,
          sql`select delivery, step, instance, ticket, state, ${iso('promised_at')} as promised_at,
              ${iso('settled_at')} as settled_at, plan->'command'->>'kind' as as_kind,
              case when plan->'command'->'note' <> 'null' then plan->'command'->>'visibility' end as as_visibility,
              plan->'command'->>'status' as as_status, plan->'command'->>'category' as as_category,
              plan->'command'->>'priority' as as_priority
            from writes where delivery = any(${ids}) order by delivery, step`,
        ),
        consequences: await camelRows<TraceConsequence>(
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

type MirrorColumns = Omit<TraceMirror, 'ends'> & {
  readonly firstInstance: string;
  readonly firstEntity: string;
  readonly firstTicket: string;
  readonly firstNumber: string | null;
  readonly firstUrl: string | null;
  readonly secondInstance: string;
  readonly secondEntity: string;
  readonly secondTicket: string | null;
  readonly secondNumber: string | null;
  readonly secondUrl: string | null;
};

async function mirrorsOf(db: Db, { instance, entity, externalId }: Ref): Promise<TraceMirror[]> {
  const found = await camelRows<MirrorColumns>(
    db,
    sql`select id, link, state, shadow, close_reason, paused_at is not null as paused, pause_reason,
        ${iso('created_at')} as created_at, ${iso('opened_at')} as opened_at, ${iso('closed_at')} as closed_at,
        first_instance, first_entity, first_ticket, first_number, first_url,
        second_instance, second_entity, second_ticket, second_number, second_url,
        (select state from links where id = link) as link_state, (select far_contact from links where id = link) as far_contact
      from mirrors
      where (first_instance = ${instance} and first_entity = ${entity} and first_ticket = ${externalId})
        or (second_instance = ${instance} and second_entity = ${entity} and second_ticket = ${externalId})
      order by id desc limit 50`,
  );
  return found.map(
    ({
      firstInstance,
      firstEntity,
      firstTicket,
      firstNumber,
      firstUrl,
      secondInstance,
      secondEntity,
      secondTicket,
      secondNumber,
      secondUrl,
      ...mirror
    }) => ({
      ...mirror,
      ends: endsOf(
        { instance: firstInstance, entity: firstEntity, ticket: firstTicket, number: firstNumber, url: firstUrl },
        { instance: secondInstance, entity: secondEntity, ticket: secondTicket, number: secondNumber, url: secondUrl },
      ),
    }),
  );
}

async function actionsOf(db: Db, tickets: ReturnType<typeof sql>, notes: boolean): Promise<TraceAction[]> {
  const latest = await camelRows<TraceAction>(
    db,
    sql`select a.id, a.instance, a.ticket, a.external_id, a.origin, a.via, a.trace, ${iso('a.at')} as at,
        ${iso('a.logged_at')} as logged_at, ${iso('a.edited_at')} as edited_at, a.author->>'role' as role, a.audience, a.visibility, a.send_to,
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
  return camelRows<TraceDelivery>(
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
