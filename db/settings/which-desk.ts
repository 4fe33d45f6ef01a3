/** Which helpdesk an instance is: what its mirrors need before it may be replaced by another, and what happens then. */
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { raiseNotice } from '#db/base/notices.ts';
import { uuidArray } from '#db/base/text-array.ts';

/** Lists instances with tickets that are mirrored, or may be again. */
export async function mirroredInstances(db: Db): Promise<ReadonlySet<string>> {
  const found = await rows<{ id: string }>(
    db,
    sql`select i.id from instances i where exists (
      select 1 from mirrors m where (m.first_instance = i.id or (m.second_instance = i.id and m.second_ticket is not null))
        and (m.state in ('opening', 'open') or m.close_reason = 'done'))`,
  );
  return new Set(found.map(({ id }) => id));
}

/** One end of a live mirror, as known here. */
export type MirroredTicket = {
  readonly mirror: string;
  readonly link: string;
  readonly ticket: string;
  readonly number: string | null;
  readonly summary: string | null;
  readonly far: { readonly number: string | null; readonly url: string | null };
};

/** Lists those of an instance, oldest first. */
export async function mirroredTickets(db: Db, instance: string): Promise<readonly MirroredTicket[]> {
  return rows<MirroredTicket>(
    db,
    sql`select m.id as mirror, m.link, e.ticket, e.number, t.snapshot->>'summary' as summary,
        json_build_object('number', e.far_number, 'url', e.far_url) as far
      from mirrors m cross join lateral (values
        (m.first_instance, m.first_entity, m.first_ticket, m.first_number, m.second_number, m.second_url),
        (m.second_instance, m.second_entity, m.second_ticket, m.second_number, m.first_number, m.first_url)
      ) e (instance, entity, ticket, number, far_number, far_url)
      left join tickets t on t.instance = e.instance and t.entity = e.entity and t.external_id = e.ticket
      where e.instance = ${instance} and e.ticket is not null and m.state in ('opening', 'open')
      order by m.id`,
  );
}

/** Records that the helpdesk moved; mirrors whose tickets were not found again are paused until somebody has looked. */
export async function moveDesk(
  tx: Tx,
  instance: string,
  identity: string | null,
  lost: readonly Pick<MirroredTicket, 'mirror' | 'link' | 'number' | 'ticket'>[],
): Promise<void> {
  await identify(tx, instance, identity);
  await tx.execute(
    sql`update mirrors set paused_at = coalesce(paused_at, now()), pause_reason = 'other-ticket'
      where id = any(${uuidArray(lost.map(({ mirror }) => mirror))})`,
  );
  for (const { mirror, link, number, ticket } of lost) {
    const text = `${instance} ${number ?? ticket}: the helpdesk has moved, and the ticket with this number there does not refer to its mirrored ticket. Check it, then resume the mirror or leave it paused.`;
    await raiseNotice(tx, { link, cause: `other-ticket/${mirror}`, text });
  }
}

/**
 * Replaces the instance's helpdesk by another one. Its mirrors end; what is known of the old helpdesk's records moves
 * to an entity of its own, so that equal numbers at the new one mean nothing. Reading starts again at go-live.
 */
export async function replaceDesk(tx: Tx, instance: string, name: string, identity: string | null): Promise<void> {
  const [last] = await rows<{ n: number }>(
    tx,
    sql`select coalesce(max(split_part(entity, '@', 2)::int) filter (where entity ~ '@[0-9]+$'), 0) as n from tickets where instance = ${instance}`,
  );
  const suffix = `@${(last?.n ?? 0) + 1}`;
  const why = content('reason', reason('gone', { desk: name }));
  const ended = await rows<{ id: string; link: string }>(
    tx,
    sql`update mirrors set state = 'closed', close_reason = 'gone', closed_at = coalesce(closed_at, now())
      where (first_instance = ${instance} or second_instance = ${instance})
        and (state in ('opening', 'open') or close_reason = 'done') returning id, link`,
  );
  const ids = uuidArray(ended.map(({ id }) => id));
  await tx.execute(sql`select mirror from lanes where mirror = any(${ids}) order by mirror, to_instance for update`);
  await tx.execute(
    sql`update deliveries set outcome = 'skipped', ended_at = now(), held_at = null, set_aside_at = null, reason = ${why}::jsonb
      where mirror = any(${ids}) and outcome is null`,
  );
  await tx.execute(
    sql`update writes w set state = 'settled', settled_at = now() from deliveries d
      where d.mirror = any(${ids}) and w.delivery = d.id and w.state in ('open', 'made')`,
  );
  await tx.execute(sql`update lanes set head_seq = last_seq + 1, due_at = null where mirror = any(${ids})`);
  for (const link of new Set(ended.map((one) => one.link)))
    await raiseNotice(tx, {
      link,
      cause: `replaced/${instance}`,
      text: `${name} is now a different helpdesk; the mirrors with the previous one have ended.`,
    });
  for (const table of ['tickets', 'written_ids', 'writes', 'actions'] as const)
    await tx.execute(
      sql`update ${sql.raw(table)} set entity = entity || ${suffix} where instance = ${instance} and entity !~ '@[0-9]+$'`,
    );
  for (const place of ['first', 'second'] as const)
    await tx.execute(
      sql`update mirrors set ${sql.raw(`${place}_entity`)} = ${sql.raw(`${place}_entity`)} || ${suffix}
        where ${sql.raw(`${place}_instance`)} = ${instance} and ${sql.raw(`${place}_entity`)} !~ '@[0-9]+$'`,
    );
  for (const table of ['hints', 'put_off'] as const)
    await tx.execute(sql`delete from ${sql.raw(table)} where instance = ${instance}`);
  await tx.execute(sql`update feeds set cursor = null, read_at = null, failures = 0 where instance = ${instance}`);
  await tx.execute(
    sql`update instances set live_since = null, live_after = null, forgotten_to = null, quarantined_at = null, quarantine_reason = null,
        clock_offset_ms = null, clock_by = null, clock_at = null, learned = '{}', state = 'new' where id = ${instance}`,
  );
  await identify(tx, instance, identity);
}

/** Stores the identity with a new version, so that every process checks which helpdesk it is before it writes. */
async function identify(tx: Tx, instance: string, identity: string | null): Promise<void> {
  await tx.execute(sql`update instances set identity = ${identity}, version = version + 1 where id = ${instance}`);
  await tx.execute(sql`update feeds set next_poll_at = now(), failures = 0 where instance = ${instance}`);
  await tx.execute(sql`update couriers set retry_at = null, failures = 0 where instance = ${instance}`);
}
