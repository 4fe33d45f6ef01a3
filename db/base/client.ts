/** The database connection. Query functions take `db` first, so that they compose inside a transaction. */
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import type { SQL } from 'drizzle-orm';
import * as schema from '#db/schema/index.ts';

export type Client = ReturnType<typeof drizzle<typeof schema>>;
export type Tx = Parameters<Parameters<Client['transaction']>[0]>[0];
export type Db = Client | Tx;

export type Connection = {
  readonly db: Client;
  /** For LISTEN; the pool reconnects and listens again by itself. */
  readonly sql: postgres.Sql;
  close(): Promise<void>;
};

/** Opens a pool of at most `max` connections. Connects lazily: a database that is down fails the first query, not this. */
export function connect(url: string, options: { readonly max?: number; readonly name?: string } = {}): Connection {
  const sql = postgres(url, {
    max: options.max ?? 10,
    onnotice: () => {},
    connection: {
      application_name: options.name ?? 'ferry',
      // Planning costs more than running, and every query finds its rows by an index whatever its parameters are.
      plan_cache_mode: 'force_generic_plan',
      // A plan made while a table was small must still do when it has grown: statistics come a quarter of a minute later.
      enable_seqscan: 'off',
    },
    connect_timeout: 5,
    // Reconnects fast and for ever: the callers decide how long they wait.
    backoff: (attempt: number) => Math.min(0.1 * 2 ** attempt, 2),
  });
  prepareEverything(sql);
  const db = drizzle(sql, { schema, casing: 'snake_case' });
  return { db, sql, close: () => sql.end({ timeout: 2 }) };
}

type Unsafe = postgres.Sql['unsafe'];
type Begin = (...args: unknown[]) => unknown;

/**
 * The query builder sends each statement to be parsed and planned anew, and waits for the description of its parameters
 * before it sends them. Prepared, a statement costs its connection one round trip and is planned once. A pooler that
 * can't keep prepared statements needs `?prepare=false` in the URL.
 */
function prepareEverything(sql: postgres.Sql): void {
  const prepared =
    (unsafe: Unsafe): Unsafe =>
    (query, parameters, options) =>
      unsafe(
        query,
        parameters,
        parameters === undefined || parameters.length === 0 ? options : { ...options, prepare: true },
      );
  const patch = (scope: { unsafe: Unsafe; savepoint?: unknown }): void => {
    scope.unsafe = prepared(scope.unsafe);
    if (typeof scope.savepoint === 'function') scope.savepoint = inside(scope.savepoint as Begin);
  };
  const inside =
    (begin: Begin): Begin =>
    (...args) => {
      const work = args.at(-1) as (scope: { unsafe: Unsafe }) => unknown;
      return begin(...args.slice(0, -1), (scope: { unsafe: Unsafe }) => {
        patch(scope);
        return work(scope);
      });
    };
  patch(sql);
  sql.begin = inside(sql.begin as Begin) as typeof sql.begin;
}

/** Runs raw SQL and gives its rows the type the caller states; column names come back as written in the query. */
export async function rows<Row extends Record<string, unknown>>(db: Db, query: SQL): Promise<Row[]> {
  const result = await db.execute<Row>(query);
  return result as unknown as Row[];
}
