/** Deliveries that a peer has accepted without reporting the outcome. */
import { sql } from 'drizzle-orm';
import type { SideName } from '#core/words/vocabulary.ts';
import { rows, type Db } from '#db/base/client.ts';
import { typeHasReach } from '#db/base/reach.ts';

export type Unanswered = {
  readonly delivery: string;
  readonly link: string;
  readonly mirror: string;
  readonly action: string;
  /** The action's origin by its id here, and what it signed, where that is kept. */
  readonly origin: string;
  readonly signed: string | null;
  readonly seq: number;
  readonly escalation: boolean;
  /** The peer's side. */
  readonly at: SideName;
  /** Display name of its instance. */
  readonly desk: string;
};

/** Claims each once per `afterMs`, longest silent first; only on active links with a peer. */
export async function claimUnanswered(db: Db, afterMs: number, limit: number): Promise<Unanswered[]> {
  return rows<Unanswered>(
    db,
    sql`with silent as materialized (
        select d.id from deliveries d
        join mirrors m on m.id = d.mirror join links l on l.id = m.link and l.state = 'active'
        join instances i on i.id = d.to_instance and ${typeHasReach('i.type', 'peer')}
        where d.outcome is null and d.accepted_at < now() - make_interval(secs => ${afterMs / 1000})
          and (d.asked_at is null or d.asked_at < now() - make_interval(secs => ${afterMs / 1000}))
        order by d.accepted_at limit ${limit} for update of d skip locked
      )
      update deliveries d set asked_at = now() from silent, mirrors m, instances i, actions a
      where d.id = silent.id and m.id = d.mirror and i.id = d.to_instance and a.id = d.action
      returning d.id as delivery, m.link, coalesce(m.said_id, m.id) as mirror, coalesce(a.said_id, a.id) as action, a.origin, a.signed,
        d.seq::float8 as seq,
        d.escalation and d.action = coalesce(m.opened_by, m.id) as escalation,
        case when d.to_instance = m.second_instance then 'supplier' else 'customer' end as at, i.name as desk`,
  );
}

/** Stores the peer's half of the trace so far. */
export async function noteFar(
  db: Db,
  delivery: string,
  far: { readonly acceptedAt: string; readonly endedAt: null; readonly attempts: number },
): Promise<void> {
  await db.execute(
    sql`update deliveries set far = ${JSON.stringify(far)}::jsonb where id = ${delivery} and outcome is null`,
  );
}
