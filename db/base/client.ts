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
  /** Null where contents are kept as they are. */
  readonly sealer: Sealer | null;
  close(): Promise<void>;
};

export type ConnectOptions = {
  readonly max?: number;
  readonly name?: string;
  readonly times?: Partial<Times>;
  readonly tls?: DatabaseTls | undefined;
  /** Contents are sealed with the first and opened with all, 32 bytes each; none: they are kept as they are. */
  readonly contentKeys?: readonly Uint8Array[];
};

/** How long the database may take, in milliseconds. The first four are held by the server, the last one here. */
export type Times = {
  readonly statement: number;
  /** For a lock that somebody else has. */
  readonly lock: number;
  /** A transaction in which nothing is asked for so long gives its locks back: its process hangs. */
  readonly idleTransaction: number;
  readonly transaction: number;
  /** For any answer; longer than a statement may take, so that it ends only what the server can't. */
  readonly answer: number;
};

/** Milliseconds; less than the driver waits for a connection. */
const probeMs = 3_000;

const standardTimes: Times = {
  statement: 30_000,
  lock: 15_000,
  idleTransaction: 10_000,
  transaction: 60_000,
  answer: 40_000,
};

/** Opens a pool of at most `max` connections. Connects lazily: a database that is down fails the first query, not this. */
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
      // A plan made while a table was small must still do when it has grown: statistics come a quarter of a minute later.
      enable_seqscan: 'off',
      statement_timeout: times.statement,
      lock_timeout: times.lock,
      idle_in_transaction_session_timeout: times.idleTransaction,
      // A process that is gone without a word holds its locks no longer than this.
      tcp_user_timeout: times.statement,
    },
    connect_timeout: 5,
    // Seconds. A line on which nothing is asked, the one that listens, is found dead in twice that.
    keep_alive: 10,
    // Reconnects fast and for ever: the callers decide how long they wait.
    backoff: (attempt: number) => Math.min(0.1 * 2 ** attempt, 2),
  } as unknown as postgres.Options<Record<string, never>>);
  // What each connection begins with; the driver reads it anew for each.
  const startup = sql.options.connection as { transaction_timeout?: number };
  startup.transaction_timeout = times.transaction;
  const sealer = createSealer(options.contentKeys ?? []);
  prepareEverything(sql, line, sealer);
  if (sealer !== null) openEverything(sql, sealer);
  const db = drizzle(sql, { schema, casing: 'snake_case' });
  return { db, sql, sealer, close: () => sql.end({ timeout: 2 }) };
}

/**
 * Whether the server can end a transaction that takes too long: PostgreSQL 17 and later. An older one refuses a connection
 * that asks for it; there a transaction is bounded by its statements and its pauses alone.
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

/** The first answer is kept; without one `true` is taken, and it is asked again the next time. */
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

/** Types of PostgreSQL whose values may hold sealed pieces: text, json, jsonb. */
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
 * The query builder sends each statement to be parsed and planned anew, and waits for the description of its parameters
 * before it sends them. Prepared, a statement costs its connection one round trip and is planned once. A pooler that
 * can't keep prepared statements needs `?prepare=false` in the URL. The line hears of each statement and of its end.
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
      // First that it begins is waited for, then that it has ended; in between each statement is by itself.
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

/** The driver calls `handler` when the statement's turn comes, and then one of the other two. */
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

/** Runs raw SQL and gives its rows the type the caller states; column names come back as written in the query. */
export async function rows<Row extends Record<string, unknown>>(db: Db, query: SQL): Promise<Row[]> {
  const result = await db.execute<Row>(query);
  return result as unknown as Row[];
}
