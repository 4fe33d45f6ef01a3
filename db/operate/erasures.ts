/** Erasures that concern the other side of a link: requested from it, or by it, until they are answered. */
import { sql } from 'drizzle-orm';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { iso } from '#db/base/iso.ts';
import { raiseNotice, clearNotices } from '#db/base/notices.ts';
import { uuidArray } from '#db/base/text-array.ts';

export type ErasureState = 'asked' | 'waiting' | 'done' | 'refused' | 'unsupported';

export type Erasure = {
  readonly id: string;
  readonly link: string;
  readonly direction: 'out' | 'in';
  readonly actions: readonly string[];
  readonly state: ErasureState;
  readonly answer: string | null;
  /** Instants. */
  readonly createdAt: string;
  readonly answeredAt: string | null;
};

const columns = sql`id, link, direction, actions, state, answer, ${iso('created_at')} as "createdAt", ${iso('answered_at')} as "answeredAt"`;

/** Newest first. */
export async function erasures(db: Db, limit: number): Promise<Erasure[]> {
  return rows<Erasure>(db, sql`select ${columns} from erasures order by created_at desc, id desc limit ${limit}`);
}

export async function erasureBy(db: Db, id: string, direction: 'out' | 'in'): Promise<Erasure[]> {
  return rows<Erasure>(db, sql`select ${columns} from erasures where id = ${id}::uuid and direction = ${direction}`);
}

/**
 * Requests an erasure from the other side, which a worker will send soon. Actions that were already requested are left
 * out.
 */
export async function askErasure(tx: Tx, id: string, link: string, actions: readonly string[]): Promise<boolean> {
  const found = await rows(
    tx,
    sql`insert into erasures (id, link, direction, actions, state, ask_at)
      select ${id}::uuid, ${link}, 'out', array_agg(wanted.id), 'asked', now() from unnest(${uuidArray(actions)}) as wanted(id)
      where not exists (select 1 from erasures e where e.link = ${link} and e.direction = 'out' and wanted.id = any(e.actions)
        and e.state not in ('refused', 'unsupported'))
      having count(*) > 0
      on conflict (link, direction, id) do update set actions = erasures.actions || excluded.actions, ask_at = now()
      returning 1 as one`,
  );
  return found.length > 0;
}

/** `actions`: ids at their origins. */
export type ErasureToAsk = { readonly id: string; readonly link: string; readonly actions: readonly string[] };

/**
 * Claims requests by moving their next time forward, so that only one process sends each. @param againMs when it is
 * sent again
 */
export async function claimErasures(db: Db, againMs: number, limit = 20): Promise<ErasureToAsk[]> {
  return rows<ErasureToAsk>(
    db,
    sql`with due as materialized (
        select e.link, e.direction, e.id from erasures e
          join links l on l.id = e.link and l.state in ('active', 'suspended')
        where e.ask_at <= now() order by e.ask_at limit ${limit} for update of e skip locked
      )
      update erasures e set ask_at = now() + make_interval(secs => ${againMs / 1000}) from due
      where e.link = due.link and e.direction = due.direction and e.id = due.id
      returning e.id, e.link, array(
        select coalesce(a.said_id, one.id) from unnest(e.actions) with ordinality as one (id, n) left join actions a on a.id = one.id
        order by one.n
      ) as actions`,
  );
}

/** Stores the other side's answer; an earlier answer stays. */
export async function noteAnswer(
  db: Db,
  { id, link }: Pick<ErasureToAsk, 'id' | 'link'>,
  state: Exclude<ErasureState, 'asked'>,
  answer: string | null,
): Promise<void> {
  const final = state !== 'waiting';
  await db.execute(
    sql`update erasures set state = ${state}, answer = ${answer}, ask_at = case when ${final} then null else ask_at end,
        answered_at = case when ${final} then now() end
      where id = ${id}::uuid and link = ${link} and direction = 'out' and state in ('asked', 'waiting')`,
  );
}

/** Limit per link: once this many wait for somebody, no more are accepted. */
const mostWaiting = 1_000;

export type ReceivedErasure = {
  /** Null if it was not accepted, since too many are waiting. */
  readonly state: 'waiting' | 'done' | 'refused' | null;
  readonly answer: string | null;
  readonly isNew: boolean;
  /** How many of the requested actions belong to this link. */
  readonly actions: number;
};

/**
 * Accepts a request from the other side. A repeated request keeps its answer. Actions that are not on its link are none
 * of its business and are left out; if none remains, there is nothing to erase, which counts as done.
 * @param actions ids at their origins
 */
export async function receiveErasure(
  tx: Tx,
  link: string,
  id: string,
  actions: readonly string[],
): Promise<ReceivedErasure> {
  const known = sql`select state, answer, cardinality(actions) as actions from erasures
    where id = ${id}::uuid and link = ${link} and direction = 'in'`;
  // One at a time, so that a repeated request is recognised.
  await tx.execute(sql`select id from links where id = ${link} for update`);
  const [before] = await rows<Omit<ReceivedErasure, 'isNew'>>(tx, known);
  if (before !== undefined) return { ...before, isNew: false };
  const [waiting] = await rows<{ n: number }>(
    tx,
    sql`select count(*)::int as n from erasures where link = ${link} and direction = 'in' and state = 'waiting'`,
  );
  if ((waiting?.n ?? 0) >= mostWaiting) return { state: null, answer: null, isNew: false, actions: 0 };
  await tx.execute(
    sql`with own as materialized (
        select distinct d.action as id from actions a join deliveries d on d.action = a.id join mirrors m on m.id = d.mirror
        where (a.said_id = any(${uuidArray(actions)}) or a.said_id is null and a.id = any(${uuidArray(actions)}))
          and m.link = ${link}
      )
      insert into erasures (id, link, direction, actions, state, answered_at)
      select ${id}::uuid, ${link}, 'in', array(select id from own order by id),
        case when exists (select 1 from own) then 'waiting' else 'done' end,
        case when exists (select 1 from own) then null else now() end`,
  );
  const [added] = await rows<Omit<ReceivedErasure, 'isNew'>>(tx, known);
  if (added === undefined) throw new Error('an erasure was not kept');
  if (added.state === 'waiting')
    await raiseNotice(tx, {
      link,
      cause: `erasure/${id}`,
      text: `${link}: the other side asks to erase content. See ferry erase status, then erase it with ferry erase answer ${id}, or refuse with --refuse.`,
    });
  return { ...added, isNew: true };
}

/** Answers the other side's request. Returns false if it has been answered in the meantime. */
export async function answerReceived(
  tx: Tx,
  { id, link }: Pick<Erasure, 'id' | 'link'>,
  state: 'done' | 'refused',
  answer: string | null,
): Promise<boolean> {
  const found = await rows(
    tx,
    sql`update erasures set state = ${state}, answer = ${answer}, answered_at = now()
      where id = ${id}::uuid and link = ${link} and direction = 'in' and state = 'waiting' returning 1 as one`,
  );
  await clearNotices(tx, link, `erasure/${id}`);
  return found.length > 0;
}
