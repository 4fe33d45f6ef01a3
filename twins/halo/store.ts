/** The twin's storage: one SQLite database, read and written by one process. */
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import type { Action, Attachment, RecordKind, Records, Ticket } from './model.ts';
import { schema } from './schema.ts';

export interface Store {
  readonly db: DatabaseSync;
  list<K extends RecordKind>(kind: K): Records[K][];
  find<K extends RecordKind>(kind: K, id: number): Records[K] | null;
  /** Finds the record with this name, whatever its case. */
  named<K extends RecordKind>(kind: K, name: string): Records[K] | null;
  put<K extends RecordKind>(kind: K, record: Records[K]): void;
  remove(kind: RecordKind, id: number): void;
  /** Counts up from `first`. A number is never used twice, even after a restart. */
  nextNumber(counter: string, first: number): number;
  meta(key: string): string | null;
  setMeta(key: string, value: string): void;
  ticket(id: number): Ticket | null;
  saveTicket(ticket: Ticket): void;
  action(ticketId: number, id: number): Action | null;
  /** Returns the actions in the order in which they were created. */
  actions(ticketId: number): Action[];
  saveAction(action: Action): void;
  attachment(id: number): Attachment | null;
  attachments(ticketId: number, actionId?: number): Attachment[];
  /** Finds the picture with this UUID. */
  attachmentOf(guid: string): Attachment | null;
  saveAttachment(attachment: Attachment): void;
  run(sql: string, ...values: SQLInputValue[]): void;
  all(sql: string, ...values: SQLInputValue[]): Record<string, unknown>[];
  /** Runs the work, all or nothing. Calls may be nested: only the outermost commits. */
  atomically<T>(work: () => T): T;
  empty(): void;
  close(): void;
}

const nameKeys: Partial<Record<RecordKind, string>> = {
  outcome: 'outcome',
  category: 'value',
  user: 'emailaddress',
};

/** Opens (and creates, if it is new) the database at `path`, or one in memory for `:memory:`. */
export function openStore(path: string): Store {
  const db = new DatabaseSync(path);
  db.exec('pragma journal_mode = wal; pragma synchronous = normal;');
  db.exec(schema);
  const prepared = new Map<string, StatementSync>();
  const records = new Map<RecordKind, Map<number, Records[RecordKind]>>();
  let depth = 0;

  function statement(sql: string): StatementSync {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    const fresh = db.prepare(sql);
    prepared.set(sql, fresh);
    return fresh;
  }
  function run(sql: string, ...values: SQLInputValue[]): void {
    statement(sql).run(...values);
  }
  function all(sql: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    return statement(sql).all(...values);
  }
  function bodies<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return all(sql, ...values).map((row) => JSON.parse(String(row.body)) as T);
  }
  function cached<K extends RecordKind>(kind: K): Map<number, Records[K]> {
    let map = records.get(kind);
    if (map === undefined) {
      const rows = bodies<Records[K]>('select body from records where kind = ? order by id', kind);
      map = new Map(rows.map((row) => [row.id, row]));
      records.set(kind, map);
    }
    return map as Map<number, Records[K]>;
  }

  return {
    db,
    run,
    all,
    list: (kind) => [...cached(kind).values()],
    find: (kind, id) => cached(kind).get(id) ?? null,
    named(kind, name) {
      const wanted = name.toLowerCase();
      const key = nameKeys[kind] ?? 'name';
      for (const record of cached(kind).values()) {
        const fields = record as unknown as Record<string, unknown>;
        if (String(fields[key]).toLowerCase() === wanted) return record;
      }
      return null;
    },
    put(kind, record) {
      run('insert or replace into records values (?, ?, ?)', kind, record.id, JSON.stringify(record));
      cached(kind).set(record.id, record);
    },
    remove(kind, id) {
      run('delete from records where kind = ? and id = ?', kind, id);
      cached(kind).delete(id);
    },
    nextNumber(counter, first) {
      const value = Number(all('select value from meta where key = ?', counter)[0]?.value ?? first);
      run('insert or replace into meta values (?, ?)', counter, String(value + 1));
      return value;
    },
    meta: (key) => (all('select value from meta where key = ?', key)[0]?.value as string | undefined) ?? null,
    setMeta: (key, value) => run('insert or replace into meta values (?, ?)', key, value),
    ticket: (id) => bodies<Ticket>('select body from tickets where id = ?', id)[0] ?? null,
    saveTicket(t) {
      run(
        'insert or replace into tickets values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        t.id,
        t.last_update,
        t.lastactiondate,
        t.dateoccurred,
        t.dateclosed,
        t.status_id,
        t.tickettype_id,
        t.client_id,
        t.user_id,
        t.supplier_id,
        t.supplier_reference,
        t.summary,
        t.deleted ? 1 : 0,
        JSON.stringify(t),
      );
    },
    action: (ticketId, id) =>
      bodies<Action>('select body from actions where ticket_id = ? and id = ?', ticketId, id)[0] ?? null,
    actions: (ticketId) => bodies<Action>('select body from actions where ticket_id = ? order by id', ticketId),
    saveAction(a) {
      run(
        'insert or replace into actions values (?, ?, ?, ?, ?, ?)',
        a.ticket_id,
        a.id,
        a.datetime,
        a.issystem ? 1 : 0,
        a.hiddenfromuser ? 1 : 0,
        JSON.stringify(a),
      );
    },
    attachment: (id) => bodies<Attachment>('select body from attachments where id = ?', id)[0] ?? null,
    attachmentOf: (guid) =>
      bodies<Attachment>("select body from attachments where json_extract(body, '$.guid') = ?", guid)[0] ?? null,
    attachments: (ticketId, actionId) =>
      actionId === undefined
        ? bodies<Attachment>('select body from attachments where ticket_id = ? order by id', ticketId)
        : bodies<Attachment>(
            'select body from attachments where ticket_id = ? and action_id = ? order by id',
            ticketId,
            actionId,
          ),
    saveAttachment(a) {
      run('insert or replace into attachments values (?, ?, ?, ?)', a.id, a.ticket_id, a.action_id, JSON.stringify(a));
    },
    atomically(work) {
      if (depth > 0) return work();
      db.exec('begin immediate');
      depth++;
      try {
        const result = work();
        db.exec('commit');
        return result;
      } catch (error) {
        db.exec('rollback');
        records.clear();
        throw error;
      } finally {
        depth--;
      }
    },
    empty() {
      const tables = ['meta', 'records', 'tickets', 'actions', 'attachments', 'mails', 'webhook_events', 'tokens'];
      for (const table of tables) db.exec(`delete from ${table}`);
      records.clear();
    },
    close() {
      prepared.clear();
      db.close();
    },
  };
}
