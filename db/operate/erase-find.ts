/** Finds the actions with content of a ticket or a person, and what else contains it; page by page, for any number. */
import { sql, type SQL } from 'drizzle-orm';
import type { Ref } from '#core/words/vocabulary.ts';
import { rows, type Db } from '#db/base/client.ts';
import { typeHasReach, typeIsRemote } from '#db/base/reach.ts';
import { uuidArray } from '#db/base/text-array.ts';

export type ErasureOf =
  | { readonly kind: 'ticket'; readonly ref: Ref }
  /** `mentions`: also texts by others that contain the name. */
  | { readonly kind: 'person'; readonly name: string; readonly mentions: boolean };

/** True as long as an action has content. */
const hasContent = sql`(a.words is not null or a.note is not null or a.author is not null or a.signed is not null
  or a.opening is not null or a.drops is not null)`;

export const isEnd = ({ instance, entity, externalId }: Ref): SQL => sql`(
  (m.first_instance = ${instance} and m.first_entity = ${entity} and m.first_ticket = ${externalId})
  or (m.second_instance = ${instance} and m.second_entity = ${entity} and m.second_ticket = ${externalId}))`;

/** A page of ids, and where the next begins; null after the last page. */
export type ActionPage = { readonly ids: readonly string[]; readonly next: string | null };

const none = '00000000-0000-0000-0000-000000000000';
/** Actions that one statement examines. */
const window = 5_000;

/** In the order of ids. @param after the `next` of the previous page */
export async function concernedActions(db: Db, of: ErasureOf, after: string | null): Promise<ActionPage> {
  return of.kind === 'ticket' ? ofTicket(db, of.ref, after ?? none) : ofPerson(db, of, after ?? none);
}

async function ofTicket(db: Db, ref: Ref, after: string): Promise<ActionPage> {
  const found = await rows<{ id: string }>(
    db,
    sql`select a.id from actions a where ${hasContent} and a.id > ${after}::uuid and a.id in (
        select id from actions where instance = ${ref.instance} and entity = ${ref.entity} and ticket = ${ref.externalId}
        union
        select d.action from mirrors m join deliveries d on d.mirror = m.id where ${isEnd(ref)})
      order by a.id limit ${window}`,
  );
  const ids = found.map(({ id }) => id);
  return { ids, next: ids.length === window ? (ids.at(-1) ?? null) : null };
}

/** Compares in this process: the database may hold names and texts sealed. */
async function ofPerson(
  db: Db,
  { name, mentions }: Extract<ErasureOf, { kind: 'person' }>,
  after: string,
): Promise<ActionPage> {
  const page = await rows<{ id: string; author: unknown; note: string | null; words: unknown; opening: unknown }>(
    db,
    sql`select a.id, a.author, ${mentions ? sql`a.note, a.words,` : sql``} a.opening from actions a
      where a.id > ${after}::uuid order by a.id limit ${window}`,
  );
  const isMeant = (one: (typeof page)[number]): boolean =>
    isPerson(one.author, name) ||
    isPerson((one.opening as { requester?: unknown } | null)?.requester, name) ||
    (mentions && (holds(one.note, name) || holds(one.words, name) || holds(one.opening, name)));
  return {
    ids: page.filter(isMeant).map(({ id }) => id),
    next: page.length === window ? (page.at(-1)?.id ?? null) : null,
  };
}

/** Tells whether a person has this name or address, in full, ignoring case. */
export function isPerson(person: unknown, wanted: string): boolean {
  const { name, email } = (person ?? {}) as { name?: unknown; email?: unknown };
  return [name, email].some((one) => typeof one === 'string' && one.toLowerCase() === wanted.toLowerCase());
}

export function holds(value: unknown, name: string): boolean {
  if (value === null || value === undefined) return false;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.toLowerCase().includes(name.toLowerCase());
}

export type Holder = {
  readonly instance: string;
  readonly entity: string;
  readonly ticket: string;
  readonly number: string | null;
  /** Whether this gateway drives the helpdesk; otherwise it is somebody else's. */
  readonly driven: boolean;
};

/** Lists the tickets at helpdesks that contain the content of these actions, whatever Ferry erases. */
export async function holdersOf(db: Db, actions: readonly string[]): Promise<Holder[]> {
  return rows<Holder>(
    db,
    sql`with mirror as materialized (
        select distinct d.mirror as id from deliveries d where d.action = any(${uuidArray(actions)})
      )
      select distinct t.instance, t.entity, t.ticket, t.number, not (${typeIsRemote('i.type')}) as driven from (
        select m.first_instance as instance, m.first_entity as entity, m.first_ticket as ticket, m.first_number as number
          from mirrors m join mirror on mirror.id = m.id
        union all
        select m.second_instance, m.second_entity, m.second_ticket, m.second_number
          from mirrors m join mirror on mirror.id = m.id where m.second_ticket is not null
        union all
        select a.instance, a.entity, a.ticket, null from actions a where a.id = any(${uuidArray(actions)})
          and not exists (select 1 from deliveries d where d.action = a.id)
      ) t join instances i on i.id = t.instance order by t.instance, t.ticket`,
  );
}

export type LinkShare = {
  readonly link: string;
  /** Who is at the other end: nobody else (`driven`), another gateway, or an API client. */
  readonly far: 'driven' | 'peer' | 'api';
  readonly actions: readonly string[];
};

/** Tells which of the actions passed each link. */
export async function linksOf(db: Db, actions: readonly string[]): Promise<LinkShare[]> {
  return rows<LinkShare>(
    db,
    sql`select m.link, array_agg(distinct d.action) as actions, case
          when exists (select 1 from sides s join instances i on i.id = s.instance where s.link = m.link and ${typeHasReach('i.type', 'peer')}) then 'peer'
          when exists (select 1 from sides s join instances i on i.id = s.instance where s.link = m.link and ${typeHasReach('i.type', 'api')}) then 'api'
          else 'driven' end as far
      from deliveries d join mirrors m on m.id = d.mirror
      where d.action = any(${uuidArray(actions)}) group by m.link order by m.link`,
  );
}

export type ErasureSize = { readonly deliveries: number; readonly waiting: number; readonly files: number };

/** Counts what belongs to these actions, for a preview before anything is erased. */
export async function sizeOf(db: Db, actions: readonly string[]): Promise<ErasureSize> {
  const of = sql`any(${uuidArray(actions)})`;
  const [row] = await rows<ErasureSize>(
    db,
    sql`select (select count(*)::int from deliveries where action = ${of}) as deliveries,
      (select count(*)::int from deliveries where action = ${of} and outcome is null) as waiting,
      (select count(*)::int from attachments where action = ${of} and sha256 is not null) as files`,
  );
  return row ?? { deliveries: 0, waiting: 0, files: 0 };
}

/**
 * Finds stored snapshots that contain it: those that can be erased, and those of open mirrors, which are needed to
 * detect changes.
 */
export async function snapshotsOf(db: Db, of: ErasureOf): Promise<{ free: readonly Ref[]; kept: readonly Ref[] }> {
  const { found } = await (of.kind === 'ticket' ? ticketSnapshots(db, of.ref) : personSnapshots(db, of));
  const refs = (open: boolean): Ref[] =>
    found
      .filter((one) => one.open === open)
      .map(({ instance, entity, externalId }) => ({ instance, entity, externalId }));
  return { free: refs(false), kept: refs(true) };
}

type Read = { readonly found: readonly (Ref & { readonly open: boolean })[] };

const isOpen = sql`exists (
  select 1 from mirrors m where m.state in ('opening', 'open')
    and ((m.first_instance = t.instance and m.first_entity = t.entity and m.first_ticket = t.external_id)
      or (m.second_instance = t.instance and m.second_entity = t.entity and m.second_ticket = t.external_id))) as open`;

async function ticketSnapshots(db: Db, ref: Ref): Promise<Read> {
  const found = await rows<Ref & { open: boolean }>(
    db,
    sql`select t.instance, t.entity, t.external_id as "externalId", ${isOpen} from tickets t
      where t.snapshot is not null and (
        (t.instance = ${ref.instance} and t.entity = ${ref.entity} and t.external_id = ${ref.externalId})
        or exists (select 1 from mirrors m where ${isEnd(ref)}
          and ((m.first_instance = t.instance and m.first_entity = t.entity and m.first_ticket = t.external_id)
            or (m.second_instance = t.instance and m.second_entity = t.entity and m.second_ticket = t.external_id))))
      order by 1, 2, 3`,
  );
  return { found };
}

async function personSnapshots(db: Db, { name, mentions }: Extract<ErasureOf, { kind: 'person' }>): Promise<Read> {
  const found: (Ref & { open: boolean })[] = [];
  let after = { instance: '', entity: '', externalId: '' };
  for (;;) {
    const page = await rows<Ref & { open: boolean; snapshot: { requester?: unknown } }>(
      db,
      sql`select t.instance, t.entity, t.external_id as "externalId", t.snapshot, ${isOpen} from tickets t
        where t.snapshot is not null
          and (t.instance, t.entity, t.external_id) > (${after.instance}, ${after.entity}, ${after.externalId})
        order by 1, 2, 3 limit ${window}`,
    );
    for (const { snapshot, ...one } of page)
      if (isPerson(snapshot.requester, name) || (mentions && holds(snapshot, name))) found.push(one);
    const last = page.at(-1);
    if (last === undefined || page.length < window) return { found };
    after = last;
  }
}
