/**
 * Past actions for a database: closed mirrors of twenty actions each, carried both ways, with every row that carrying
 * leaves behind. They are spread over sixty days, and all have ended.
 */
import { sql } from 'drizzle-orm';
import type { Connection } from '#db/base/client.ts';

const perMirror = 20;

/** Writes a history between two instances, all of it on one link. */
export async function seedHistory(
  { sql: raw, db }: Connection,
  actions: number,
  link: { readonly id: string; readonly customer: string; readonly supplier: string },
): Promise<void> {
  const count = Math.max(Math.ceil(actions / perMirror), 1);
  const { id, customer, supplier } = link;
  await db.transaction(async (tx) => {
    await tx.execute(sql`set local synchronous_commit = off`);
    await tx.execute(sql`create temp table past on commit drop as
      select n, uuidv7(-interval '60 days' * (${count} - n) / ${count}) as mirror,
        now() - interval '60 days' * (${count} - n) / ${count} as at
      from generate_series(1, ${count}::int) n`);
    // Even actions are the supplier's. The first is the escalation, and has the mirror's id.
    await tx.execute(sql`create temp table said on commit drop as
      select p.mirror, p.n, k, case when k = 1 then p.mirror else uuidv7(p.at - now() + k * interval '10 minutes') end as action,
        uuidv7(p.at - now() + k * interval '10 minutes') as delivery, p.at + k * interval '10 minutes' as at,
        case when k % 2 = 1 then ${customer} else ${supplier} end as origin,
        case when k % 2 = 1 then ${supplier} else ${customer} end as reached,
        case when k % 2 = 1 then 'past-a' else 'past-n' end || p.n as ticket,
        case when k % 2 = 1 then 'past-n' else 'past-a' end || p.n as far
      from past p, generate_series(1, ${perMirror}::int) k`);
    await tx.execute(sql`insert into mirrors (id, link, state, close_reason, closed_at, first_instance, first_ticket,
        first_number, second_instance, second_ticket, second_number, created_at, opened_at)
      select mirror, ${id}, 'closed', 'both-closed', at + interval '1 day', ${customer}, 'past-a' || n, 'past-a' || n,
        ${supplier}, 'past-n' || n, 'past-n' || n, at, at from past`);
    await tx.execute(sql`insert into lanes (mirror, to_instance, link, last_seq, head_seq)
      select mirror, instance, ${id}, ${perMirror / 2}, ${perMirror / 2 + 1}
      from past, unnest(array[${customer}, ${supplier}]::text[]) instance`);
    await tx.execute(sql`insert into tickets (instance, external_id, cursor, snapshot, read_at)
      select instance, ticket, at + interval '1 day', jsonb_build_object('ticketId', ticket, 'number', ticket, 'url', '', 'summary',
        'VPN drops every hour', 'description', '<p>It does.</p>', 'status', 'closed', 'closed', true, 'fields', '{}'::jsonb), at
      from past, lateral (values (${customer}, 'past-a' || n), (${supplier}, 'past-n' || n)) as side (instance, ticket)`);
    await tx.execute(sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, note, words, hash, via, logged_at)
      select action, origin, ticket, k::text, origin, at, '{"name":"Ann","role":"agent"}', 'user', 'visible',
        '<p>What was said then, number ' || k || ', with a sentence or two about what was tried and what is to be tried next.</p>',
        '{"kind":"Note","fields":{}}', md5(action::text), array[origin], at from said`);
    await tx.execute(sql`insert into deliveries (id, mirror, to_instance, seq, kind, action, escalation, attempts, first_tried_at, outcome, created_at, ended_at)
      select delivery, mirror, reached, (k + 1) / 2, 'action', action, k = 1, 1, at, 'applied', at, at + interval '1 second' from said`);
    await tx.execute(sql`insert into attempts (delivery, at, duration_ms, result, versions)
      select delivery, at, 12, 'applied', '{"inbound":1,"outbound":1,"catalogue":1}' from said`);
    await tx.execute(sql`insert into writes (delivery, step, instance, ticket, marker, fingerprints, plan, state, written, promised_at, deadline, settled_at)
      select delivery, 0, reached, far, delivery || '-0', array[md5(action::text)],
        jsonb_build_object('command', jsonb_build_object('ticketId', far, 'kind', 'Note', 'note', '<p>What was said then.</p>'), 'drops', '[]'::jsonb),
        'settled', jsonb_build_object('ticketId', far, 'actionIds', jsonb_build_array(k::text)), at, at + interval '10 seconds', at from said`);
    await tx.execute(sql`insert into written_ids (instance, ticket, external_id, "as", delivery, step, at)
      select reached, far, k::text, 'echo', delivery, 0, at from said`);
  });
  await raw`vacuum analyze`;
}
