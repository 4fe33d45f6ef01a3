/**
 * Inserts new actions, each with its first delivery: nearly all have one, and a statement's overhead exceeds its work.
 */
import { sql, type SQL } from 'drizzle-orm';
import type { Attachment, Audience, Person, Ref, SendTo, Visibility, Words } from '#core/words/vocabulary.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { content, type Content } from '#db/base/content.ts';
import { textArray } from '#db/base/text-array.ts';
import type { Gathered } from '#db/base/transaction.ts';

export type NewAction = {
  readonly id: string;
  /** The record on which it was recorded. */
  readonly on: Ref;
  readonly externalId: string;
  /** Instant, UTC. */
  readonly at: string;
  /** Instant of its creation, by its desk's clock. */
  readonly made: string;
  readonly audience: Audience;
  readonly visibility: Visibility;
  readonly sendTo: SendTo | null;
  readonly mailed: boolean | null;
  /** Null if only ids, hash, time and reason may be stored. */
  readonly content: {
    readonly author: Person;
    readonly note: string | null;
    readonly words: Words;
    readonly attachments: readonly Attachment[];
  } | null;
  readonly hash: string;
  /** Markers of its writes are derived from it. */
  readonly mark: string;
  /** Code of the reason why nothing is delivered. */
  readonly reason: string | null;
  /** The lane on which it takes the next seq; the caller holds the lane's lock. `again`: a repeated escalation. */
  readonly delivery: { readonly mirror: string; readonly to: string; readonly again: boolean } | null;
};

/** Answers whether the action was new. Actions of one lane never share a statement: each needs its own `seq`. */
export const insertActions: Gathered<NewAction, boolean> = {
  send: insertAll,
  keyOf: ({ id, delivery }) => (delivery === null ? id : `${delivery.mirror} ${delivery.to}`),
};

async function insertAll(tx: Tx, actions: readonly NewAction[]): Promise<boolean[]> {
  const column = (of: (one: NewAction) => string | null | Content): SQL => textArray(actions.map(of));
  const inserted = await rows<{ id: string }>(
    tx,
    sql`with asked as materialized (
        select * from unnest(
          ${column((one) => one.id)}, ${column(({ on }) => on.instance)}, ${column(({ on }) => on.entity)}, ${column(({ on }) => on.externalId)},
          ${column((one) => one.externalId)}, ${column((one) => one.at)}, ${column((one) => content('author', one.content?.author))},
          ${column((one) => one.audience)}, ${column((one) => one.visibility)}, ${column((one) => one.sendTo)},
          ${column((one) => text(one.mailed))}, ${column((one) => content('note', one.content?.note))},
          ${column((one) => content('words', one.content?.words))}, ${column((one) => content('attachments', one.content?.attachments ?? []))},
          ${column((one) => one.hash)}, ${column((one) => one.mark)}, ${column((one) => one.id.replaceAll('-', ''))}, ${column((one) => one.reason)},
          ${column((one) => one.delivery?.mirror ?? null)}, ${column((one) => one.delivery?.to ?? null)},
          ${column((one) => text(one.delivery?.again ?? null))}, ${column((one) => one.made)}
        ) as a (id, instance, entity, ticket, external_id, at, author, audience, visibility, send_to, mailed, note, words,
          attachments, hash, mark, trace, reason, mirror, to_instance, again, made)
      ), action as (
        insert into actions
          (id, instance, entity, ticket, external_id, origin, at, author, audience, visibility, send_to, mailed, note, words, attachments, hash, mark, via, trace, reason, made_at)
        select id::uuid, instance, entity, ticket, external_id, instance, at::timestamptz, author::jsonb, audience, visibility, send_to,
          mailed::boolean, note, words::jsonb, attachments::jsonb, hash, mark, array[instance], trace, reason, made::timestamptz
        from asked
        on conflict (instance, entity, ticket, external_id) do nothing returning id
      ), lane as (
        update lanes l set last_seq = l.last_seq + 1, due_at = coalesce(l.due_at, now())
        from asked join action on action.id = asked.id::uuid
        where l.mirror = any(array(select mirror::uuid from asked))
          and l.mirror = asked.mirror::uuid and l.to_instance = asked.to_instance
        returning l.mirror, l.to_instance, l.last_seq, action.id as action, asked.again::boolean as again
      ), delivery as (
        insert into deliveries (mirror, to_instance, seq, kind, action, escalation)
        select mirror, to_instance, last_seq, 'action', action, again from lane
      ), file as (
        -- A file that is already in the store is kept as long as this row refers to it.
        insert into attachments (action, id, sha256, size_bytes, type)
        select action.id, f.value->>'id', f.value->>'sha256', (f.value->>'sizeBytes')::bigint, f.value->>'type'
        from asked join action on action.id = asked.id::uuid, jsonb_array_elements(asked.attachments::jsonb) f
        where f.value->>'sha256' is not null on conflict do nothing
      )
      select id from action`,
  );
  const ids = new Set(inserted.map(({ id }) => id));
  return actions.map(({ id }) => ids.has(id));
}

function text(value: boolean | null): string | null {
  return value === null ? null : String(value);
}
