/** Two desks of one link in a database of their own, and what is mirrored between them: tickets, notes, lanes. */
import { randomUUID } from 'node:crypto';
import { sql, type SQL } from 'drizzle-orm';
import type { ObservedAction } from '#core/words/desk.ts';
import { ticketRef } from '#core/words/ref.ts';
import type { Ref, TicketSnapshot, Words } from '#core/words/vocabulary.ts';
import { connect, rows, type Client, type Connection, type Db } from '#db/base/client.ts';
import { inUnitOfWork } from '#db/base/unit-of-work.ts';
import { beginDrain } from '#db/carry/couriers.ts';
import { logReading, type LogReadingInput, type LogReadingResult } from '#db/log/log-reading.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { addInstance, addLink } from '#test/federation/rig.ts';
import { freshDatabase } from '#test/support/database.ts';
import { until } from '#test/support/wait.ts';

export type TwoDesks = {
  readonly connection: Connection;
  readonly db: Client;
  close(): Promise<void>;
};

export type DesksOptions = {
  /** Further instances, without a link. */
  readonly more?: readonly string[];
  /** False: nobody has met their go-live. */
  readonly live?: boolean;
};

/** `acme` escalates to `north` on the link `acme-north`; both went live a day ago. */
export async function twoDesks(label: string, { more = [], live = true }: DesksOptions = {}): Promise<TwoDesks> {
  const database = await freshDatabase(label);
  const connection = connect(database.url, { max: 4 });
  for (const id of ['acme', 'north', ...more]) await addInstance(connection, id, 'http://127.0.0.1:1', {});
  await addLink(connection, 'acme-north', 'acme', 'north');
  if (live) await connection.sql`update instances set live_since = now() - interval '1 day'`;
  return {
    connection,
    db: connection.db,
    close: async () => {
      await connection.close();
      await database.drop();
    },
  };
}

/** The log is empty again, links are active, and nobody has carried anything. Desks and settings stay. */
export async function emptyLog({ db }: Pick<TwoDesks, 'db'>): Promise<void> {
  await db.execute(
    sql`truncate offers, writes, written_ids, deliveries, lanes, mirrors, actions, attachments, couriers, attempts, notices, tickets, put_off cascade`,
  );
  await db.execute(sql`update links set state = 'active', state_reason = null, resumed_at = null`);
}

export type MirrorOf = {
  readonly id?: string;
  readonly link?: string;
  readonly customer?: string;
  readonly supplier?: string;
  readonly state?: 'opening' | 'open' | 'closed';
  readonly first?: string;
  /** Null: it has no ticket there yet. */
  readonly second?: string | null;
};

/** A mirror of two tickets, by default open, with nothing on its lanes. Returns its id. */
export async function putMirror(db: Db, mirror: MirrorOf = {}): Promise<string> {
  const { id = randomUUID(), link = 'acme-north', customer = 'acme', supplier = 'north' } = mirror;
  const { state = 'open', first = '1', second = state === 'opening' ? null : '9' } = mirror;
  await db.execute(
    sql`insert into mirrors (id, link, state, first_instance, first_ticket, second_instance, second_ticket)
      values (${id}, ${link}, ${state}, ${customer}, ${first}, ${supplier}, ${second})`,
  );
  await db.execute(
    sql`insert into lanes (mirror, to_instance, link) values (${id}, ${customer}, ${link}), (${id}, ${supplier}, ${link})`,
  );
  return id;
}

export type ActionOf = {
  readonly id?: string;
  readonly instance?: string;
  readonly ticket?: string;
  readonly externalId?: string;
  readonly note?: string | null;
  readonly words?: Words;
  readonly via?: readonly string[];
};

/** What an agent recorded a moment ago, for the agents of both desks. Returns its id. */
export async function putAction(db: Db, action: ActionOf = {}): Promise<string> {
  const { id = randomUUID(), instance = 'acme', ticket = '1', externalId = id, note = null } = action;
  const { words = { kind: 'Note', fields: {} }, via = [instance] } = action;
  await db.execute(
    sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, note, words, hash, via)
      values (${id}, ${instance}, ${ticket}, ${externalId}, ${via[0] ?? instance}, now(), '{"name":"Ann","role":"agent"}', 'desks', 'hidden',
        ${note}, ${JSON.stringify(words)}::jsonb, 'x', ${`{${via.join(',')}}`}::text[])`,
  );
  return id;
}

export type DeliveryOf = {
  readonly id?: string;
  readonly mirror: string;
  readonly action: string;
  readonly to?: string;
  readonly escalation?: boolean;
};

/** At the end of its lane, which is due then. Returns its id. */
export async function putDelivery(db: Db, delivery: DeliveryOf): Promise<string> {
  const { id = randomUUID(), mirror, action, to = 'north', escalation = false } = delivery;
  await db.execute(
    sql`with lane as (
        update lanes set last_seq = last_seq + 1, due_at = coalesce(due_at, now())
        where mirror = ${mirror} and to_instance = ${to} returning last_seq
      )
      insert into deliveries (id, mirror, to_instance, seq, kind, action, escalation)
      select ${id}, ${mirror}, ${to}, last_seq, 'action', ${action}, ${escalation} from lane`,
  );
  return id;
}

/** Of the one mirror that `noteOnTheWay` puts there, and of the action on it. */
export const onTheWay = '01a00000-0000-7000-8000-000000000001';

export type OnTheWay = {
  readonly delivery: string;
  /** Epochs of two drains of north: the first was overtaken by the second. */
  readonly before: number;
  readonly now: number;
};

/** Nothing but one note, on its way from acme's ticket 1 to north's ticket 7. */
export async function noteOnTheWay(desks: Pick<TwoDesks, 'db'>): Promise<OnTheWay> {
  const { db } = desks;
  await emptyLog(desks);
  const mirror = await putMirror(db, { id: onTheWay, second: '7' });
  const action = await putAction(db, { id: onTheWay });
  const delivery = await putDelivery(db, { mirror, action });
  const before = await beginDrain(db, 'north');
  return { delivery, before, now: await beginDrain(db, 'north') };
}

/** Another transaction waits for a lock. */
export async function somebodyWaits(db: Db): Promise<void> {
  const waiting = sql`select 1 as one from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
  await until(async () => (await rows(db, waiting)).length > 0, { what: 'somebody to wait for a lock' });
}

export async function first(db: Db, query: SQL): Promise<Record<string, unknown> | undefined> {
  return (await rows<Record<string, unknown>>(db, query))[0];
}

/** An open ticket about a VPN. */
export function snapshotOf(ticketId: string, over: Partial<TicketSnapshot> = {}): TicketSnapshot {
  return {
    ...{ ticketId, number: ticketId, url: '', summary: 'VPN', description: '', status: 'open', closed: false },
    ...{ category: null, type: null, priority: null, fields: {}, account: null, requester: null },
    ...over,
  };
}

/** A note by Bob, an agent, whose fingerprint and text are its id by default. */
export function noteOf(externalId: string, over: Partial<ObservedAction> = {}): ObservedAction {
  return {
    externalId,
    at: new Date().toISOString(),
    author: { name: 'Bob', role: 'agent' },
    fingerprint: externalId,
    visibility: 'visible',
    note: `<p>${externalId}</p>`,
    words: { kind: 'Note', fields: {} },
    attachments: [],
    ...over,
  };
}

export type Shown = Partial<LogReadingInput> & Pick<LogReadingInput, 'actions'>;

/** Logs what a read of a ticket shows; by default of north's ticket 9. */
export function logShown(db: Client, shown: Shown, ref: Ref = ticketRef('north', '9')): Promise<LogReadingResult> {
  const snapshot = snapshotOf(ref.externalId);
  return inUnitOfWork(db, (unit) =>
    logReading(unit, createVersionCache(), { ref, snapshot, settleMs: 1_000, ...shown }),
  );
}

/** Where a word is found, as `table.column`, whatever the column's type. */
export async function placesOf({ sql: query }: Connection, word: string): Promise<string[]> {
  const tables = await query<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public' order by 1`;
  const found: string[] = [];
  for (const { name } of tables) {
    const columns = await query<{ name: string }[]>`
      select distinct c.key as name from ${query(name)} t, jsonb_each_text(to_jsonb(t)) c
      where strpos(c.value, ${word}) > 0 order by 1`;
    found.push(...columns.map((column) => `${name}.${column.name}`));
  }
  return found;
}
