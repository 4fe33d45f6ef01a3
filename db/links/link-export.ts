/**
 * Exports everything that belongs to one link, for archiving: read page by page, so that a large link needs little
 * memory.
 */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';
import { iso } from '#db/base/iso.ts';

const atOnce = 200;

/** Yields lines of JSON: `link`, `mirror`, `action`, `delivery`. Files are listed by digest. */
export async function* exportLink(db: Db, link: string): AsyncGenerator<Record<string, unknown>> {
  yield* await rows(
    db,
    sql`select 'link' as type, l.id, l.state, l.settings, ${iso('l.created_at')} as "createdAt",
        (select json_agg(json_build_object('side', s.side, 'instance', s.instance, 'type', i.type, 'name', i.name, 'url', i.url) order by s.side)
          from sides s join instances i on i.id = s.instance where s.link = l.id) as sides,
        p.issuer, p.far_link as "farLink", l.far_contact as "farContact", l.own_contact as "ownContact"
      from links l left join peers p on p.link = l.id where l.id = ${link}`,
  );
  yield* pages((after) =>
    rows(
      db,
      sql`select 'mirror' as type, id, state, close_reason as "closeReason", shadow, first_instance as "customerInstance",
          first_entity as "customerEntity", first_ticket as "customerTicket", first_number as "customerNumber",
          first_url as "customerUrl", second_instance as "supplierInstance", second_entity as "supplierEntity",
          second_ticket as "supplierTicket", second_number as "supplierNumber", second_url as "supplierUrl", ${iso('created_at')} as "createdAt", ${iso('opened_at')} as "openedAt",
          ${iso('closed_at')} as "closedAt"
        from mirrors where link = ${link} and id > ${after}::uuid order by id limit ${atOnce}`,
    ),
  );
  yield* pages((after) =>
    rows(
      db,
      sql`select 'action' as type, a.id, a.instance, a.entity, a.ticket, a.external_id as "externalId", a.origin, a.via, ${iso('a.at')} as at,
          a.author, a.audience, a.visibility, a.note, a.words, a.attachments, a.hash, a.trace, a.signed, a.signature, a.reason,
          ${iso('a.logged_at')} as "loggedAt"
        from actions a
        where a.id > ${after}::uuid and exists (
          select 1 from deliveries d join mirrors m on m.id = d.mirror where d.action = a.id and m.link = ${link})
        order by a.id limit ${atOnce}`,
    ),
  );
  yield* pages((after) =>
    rows(
      db,
      sql`select 'delivery' as type, d.id, d.mirror, d.to_instance as "toInstance", d.seq::float8 as seq, d.kind, d.action, d.escalation,
          d.receipt, d.outcome, d.reason, d.drops, d.attempts, d.sent_hash as "sentHash", d.far, ${iso('d.created_at')} as "createdAt",
          ${iso('d.accepted_at')} as "acceptedAt", ${iso('d.ended_at')} as "endedAt"
        from deliveries d join mirrors m on m.id = d.mirror
        where m.link = ${link} and d.id > ${after}::uuid order by d.id limit ${atOnce}`,
    ),
  );
}

type Page = (after: string) => Promise<readonly Record<string, unknown>[]>;

async function* pages(read: Page): AsyncGenerator<Record<string, unknown>> {
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const page = await read(after);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < atOnce) return;
    after = String(last['id']);
  }
}
