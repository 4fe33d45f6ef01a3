/** Brings a database to this version's schema, or says why it can't. */
import { drizzle } from 'drizzle-orm/postgres-js';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { migrate as runMigrations } from 'drizzle-orm/postgres-js/migrator';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';

const migrationsFolder = fileURLToPath(new URL('../migrations', import.meta.url));
/** Any constant; held by whoever migrates. */
const migrationLock = 7_203_114;

/** `database-unsuitable`: another encoding than UTF-8, or a PostgreSQL that is too old. */
export type SchemaFault = 'schema-newer' | 'schema-older' | 'database-unsuitable';

export class SchemaError extends Error {
  override readonly name = 'SchemaError';
  readonly code: SchemaFault;

  constructor(code: SchemaFault, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Applies what is missing. Several callers at once are harmless: the later ones wait for the lock.
 * Throws SchemaError `schema-newer` where a newer Ferry has already migrated, `database-unsuitable` where the database
 * can't keep what Ferry needs; nothing is written then.
 */
export async function migrate(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    // The migrator takes no lock of its own.
    await sql`select pg_advisory_lock(${migrationLock})`;
    const applied = await countApplied(sql);
    refuseNewer(applied);
    await runMigrations(drizzle(sql), { migrationsFolder });
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** Throws SchemaError unless the database has exactly this version's schema. */
export async function assertSchema(sql: postgres.Sql): Promise<void> {
  const applied = await countApplied(sql);
  refuseNewer(applied);
  const known = readMigrationFiles({ migrationsFolder }).length;
  if (applied < known) {
    throw new SchemaError(
      'schema-older',
      `The database has schema ${applied}, this Ferry needs ${known}. Run "ferry migrate" first.`,
    );
  }
}

function refuseNewer(applied: number): void {
  const known = readMigrationFiles({ migrationsFolder }).length;
  if (applied > known) {
    throw new SchemaError(
      'schema-newer',
      `The database has schema ${applied}, this Ferry knows up to ${known}. Start the newer Ferry that made it, or restore a backup from before.`,
    );
  }
}

/** Every program asks this first, so whatever makes a database unfit is found here. */
async function countApplied(sql: postgres.Sql): Promise<number> {
  const [database] = await sql.unsafe<
    Database[]
  >(`select to_regclass('drizzle.__drizzle_migrations') is not null as there,
    current_setting('server_encoding') as encoding, current_setting('client_encoding') as spoken,
    current_setting('server_version_num')::int as version, current_setting('server_version') as shown`);
  if (database === undefined) throw new Error('a query without an answer');
  refuseUnsuitable(database);
  if (!database.there) return 0;
  const [row] = await sql.unsafe('select count(*)::int as count from drizzle.__drizzle_migrations');
  return Number(row?.['count'] ?? 0);
}

type Database = {
  readonly there: boolean;
  readonly encoding: string;
  readonly spoken: string;
  readonly version: number;
  readonly shown: string;
};

/** For `uuidv7()`. */
const leastVersion = 180_000;

/** Another encoding takes every migration and then fails for ever at the first emoji, or keeps other letters. */
function refuseUnsuitable({ encoding, spoken, version, shown }: Database): void {
  if (version < leastVersion)
    throw unsuitable(
      `This is PostgreSQL ${shown}, and Ferry needs 18 or later. Upgrade it, or name another server in DATABASE_URL.`,
    );
  if (encoding !== 'UTF8')
    throw unsuitable(
      `The database keeps text as ${encoding}, and Ferry needs UTF8. Make another one: create database ferry encoding 'UTF8' template template0.`,
    );
  if (spoken !== 'UTF8')
    throw unsuitable(
      `The connection speaks ${spoken}, and Ferry needs UTF8. Remove client_encoding from DATABASE_URL.`,
    );
}

function unsuitable(message: string): SchemaError {
  return new SchemaError('database-unsuitable', message);
}
