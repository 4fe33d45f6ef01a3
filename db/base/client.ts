/** The database connection. Query functions take `db` first, so that they compose inside a transaction. */
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import type { SQL } from 'drizzle-orm';
import { createSealer, resolved, type Sealer } from './content.ts';
import { createLine, type Line } from './line.ts';
import { arrayLiteral } from './text-array.ts';
import { connectOnce, driverTls, wantedTls, type DatabaseTls } from './tls.ts';
import * as schema from '#db/schema/index.ts';

export type Client = ReturnType<typeof drizzle<typeof schema>>;
export type Tx = Parameters<Parameters<Client['transaction']>[0]>[0];
export type Db = Client | Tx;

export type Connection = {
  readonly db: Client;
  /** For LISTEN; the pool reconnects and listens again by itself. */
  readonly sql: postgres.Sql;
  /** Null if contents are stored in clear text. */
  readonly sealer: Sealer | null;
  close(): Promise<void>;
};

export type ConnectOptions = {
  readonly max?: number;
  readonly name?: string;
  readonly times?: Partial<Times>;
  readonly tls?: DatabaseTls | undefined;
  /**
   * 32 bytes each. Contents are sealed with the first key and opened with any; without keys they are stored in clear
   * text.
   */
  readonly contentKeys?: readonly Uint8Array[];
};

/** How long the database may take, in milliseconds. The server enforces the first four; the last is enforced here. */
export type Times = {
  readonly statement: number;
  /** For a lock held by somebody else. */
  readonly lock: number;
  /** A transaction that is idle this long is ended and releases its locks: its process hangs. */
  readonly idleTransaction: number;
  readonly transaction: number;
  /** For any answer. Longer than a statement may take, so that it only ends what the server can't. */
  readonly answer: number;
};

/** Milliseconds; shorter than the driver waits for a connection. */
const probeMs = 3_000;

const standardTimes: Times = {
  statement: 30_000,
  lock: 15_000,
  idleTransaction: 10_000,
  transaction: 60_000,
  answer: 40_000,
};

/**
 * Opens a pool of at most `max` connections. It connects lazily: if the database is down, the first query fails, not
 * this call.
 */
export function connect(url: string, options: ConnectOptions = {}): Connection {
  const times = { ...standardTimes, ...options.times };
  const line = createLine(times.answer, wantedTls(url, options.tls));
  const known = askOnce(() => knowsTransactionTimeout(url, options.tls));
  const sql = postgres(url, {
    max: options.max ?? 10,
    socket: async (at: Parameters<Line['socket']>[0]) => {
      if (!(await known())) delete startup.transaction_timeout;
      return line.socket(at);
    },
    ...driverTls,
    onnotice: () => {},
    connection: {
      application_name: options.name ?? 'ferry',
      // Planning costs more than running, and every query finds its rows by an index whatever its parameters are.
      plan_cache_mode: 'force_generic_plan',
      // A plan made while a table was small must still be good once it has grown; statistics only follow after a
      // quarter of a minute.
      enable_seqscan: 'off',
      statement_timeout: times.statement,
      lock_timeout: times.lock,
      idle_in_transaction_session_timeout: times.idleTransaction,
      // The server releases the locks of a process that vanished no later than this.
      tcp_user_timeout: times.statement,
    },
    connect_timeout: 5,
    // Seconds. An idle connection, such as the one that listens, is found dead within twice that time.
    keep_alive: 10,
    // Reconnects quickly and without limit: the callers decide how long they wait.
    backoff: (attempt: number) => Math.min(0.1 * 2 ** attempt, 2),
  } as unknown as postgres.Options<Record<string, never>>);
  // The driver reads these start-up parameters again for each connection.
  const startup = sql.options.connection as { transaction_timeout?: number };
  startup.transaction_timeout = times.transaction;
  const sealer = createSealer(options.contentKeys ?? []);
  prepareEverything(sql, line, sealer);
  if (sealer !== null) openEverything(sql, sealer);
  const db = drizzle(sql, { schema, casing: 'snake_case' });
  return { db, sql, sealer, close: () => sql.end({ timeout: 2 }) };
}

/**
 * Tells whether the server can end a transaction that takes too long: PostgreSQL 17 and later. Older servers refuse a
 * connection that sets this; there only the statement and idle limits bound a transaction.
 */
async function knowsTransactionTimeout(url: string, tls: DatabaseTls | undefined): Promise<boolean> {
  const sql = connectOnce(url, tls);
  const late = setTimeout(() => void sql.end({ timeout: 0 }), probeMs);
  try {
    const [server] = await sql.unsafe<{ version: number }[]>(
      "select current_setting('server_version_num')::int as version",
    );
    return server !== undefined && server.version >= 170_000;
  } finally {
    clearTimeout(late);
    void sql.end({ timeout: 0 });
  }
}

/** Remembers the first answer. If asking fails, it assumes `true` and asks again the next time. */
function askOnce(ask: () => Promise<boolean>): () => Promise<boolean> {
  let asked: Promise<boolean> | undefined;
  return () => {
    asked ??= ask().catch(() => {
      asked = undefined;
      return true;
    });
    return asked;
  };
}

/** Types of PostgreSQL whose values may contain sealed pieces: text, json, jsonb. */
const textType = 25;
const jsonTypes = [114, 3802];

function openEverything(sql: postgres.Sql, sealer: Sealer): void {
  const { parsers } = sql.options as unknown as { parsers: Record<number, (text: string) => unknown> };
  parsers[textType] = (text) => sealer.openText(text);
  for (const type of jsonTypes) parsers[type] = (text) => sealer.openJson(text);
}

type Unsafe = postgres.Sql['unsafe'];
type Begin = (...args: unknown[]) => Promise<unknown>;

/**
 * Prepares every statement. The query builder would have each statement parsed and planned again, and wait for the
 * description of its parameters before sending them; prepared, a statement costs a connection one round trip and is
 * planned once. A pooler that can't keep prepared statements needs `?prepare=false` in the URL. The line is notified
 * when a statement begins and ends.
 */
function prepareEverything(sql: postgres.Sql, line: Line, sealer: Sealer | null): void {
  const prepared =
    (unsafe: Unsafe): Unsafe =>
    (query, parameters, options) =>
      heard(
        unsafe(
          query,
          parameters?.map((one) => resolved(one, sealer, arrayLiteral)) as typeof parameters,
          parameters === undefined || parameters.length === 0 ? options : { ...options, prepare: true },
        ),
        line,
      );
  const patch = (scope: { unsafe: Unsafe; savepoint?: unknown }): void => {
    scope.unsafe = prepared(scope.unsafe);
    if (typeof scope.savepoint === 'function') scope.savepoint = inside(scope.savepoint as Begin);
  };
  const inside =
    (begin: Begin): Begin =>
    async (...args) => {
      const work = args.at(-1) as (scope: { unsafe: Unsafe }) => unknown;
      // Two waits are watched, that for the beginning and that for the end; in between, each statement is watched
      // separately.
      let answered = line.asked();
      try {
        return await begin(...args.slice(0, -1), async (scope: { unsafe: Unsafe }) => {
          answered();
          patch(scope);
          try {
            return await work(scope);
          } finally {
            answered = line.asked();
          }
        });
      } finally {
        answered();
      }
    };
  patch(sql);
  sql.begin = inside(sql.begin as Begin) as typeof sql.begin;
}

/** The driver calls `handler` when it is the statement's turn, and afterwards one of the other two. */
type Internals = {
  handler: ((query: unknown) => void) & { debug?: unknown };
  resolve(value: unknown): void;
  reject(error: unknown): void;
};

function heard<Pending extends object>(query: Pending, line: Line): Pending {
  const inner = query as unknown as Internals;
  const { handler, resolve, reject } = inner;
  let answered: (error?: unknown) => void = () => undefined;
  inner.handler = Object.assign(
    (self: unknown) => {
      answered = line.asked();
      handler(self);
    },
    { debug: handler.debug },
  );
  inner.resolve = (value) => {
    answered();
    resolve(value);
  };
  inner.reject = (error) => {
    answered(error);
    reject(error);
  };
  return query;
}

/**
 * Runs raw SQL and gives its rows the type that the caller states; column names are returned as written in the query.
 */
export async function rows<Row extends Record<string, unknown>>(db: Db, query: SQL): Promise<Row[]> {
  const result = await db.execute<Row>(query);
  return result as unknown as Row[];
}
