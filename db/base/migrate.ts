/** Migrates a database to this version's schema, or says why it can't. */
import { drizzle } from 'drizzle-orm/postgres-js';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { migrate as runMigrations } from 'drizzle-orm/postgres-js/migrator';
import { fileURLToPath } from 'node:url';
import type postgres from 'postgres';
import { grantApp, tableNames } from './grants.ts';
import { ensureUuids } from './uuid.ts';
import { connectOnce, type DatabaseTls } from './tls.ts';

const migrationsFolder = fileURLToPath(new URL('../migrations', import.meta.url));
/** Any constant. The process that migrates holds this lock. */
const migrationLock = 7_203_114;

/**
 * `database-unsuitable`: another encoding than UTF-8, or a PostgreSQL that is too old. `role-without-rights`: the
 * connecting role owns nothing and was not granted what it needs.
 */
export type SchemaFault = 'schema-newer' | 'schema-older' | 'database-unsuitable' | 'role-without-rights';

export class SchemaError extends Error {
  override readonly name = 'SchemaError';
  readonly code: SchemaFault;

  constructor(code: SchemaFault, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Applies the missing migrations. Several callers at once are harmless: later ones wait for the lock. Throws
 * SchemaError `schema-newer` if a newer Ferry has already migrated, `database-unsuitable` if the database can't store
 * what Ferry needs; nothing is written then.
 * @param url of the role that owns the tables
 * @param app the role of gateways and workers, if it is another one; throws RoleError if it does not exist
 * @returns the roles that have been granted their rights, without the owner
 */
export async function migrate(url: string, app?: string, tls?: DatabaseTls): Promise<readonly string[]> {
  const sql = connectOnce(url, tls);
  try {
    // The migrator takes no lock itself.
    await sql`select pg_advisory_lock(${migrationLock})`;
    const applied = await countApplied(sql);
    refuseNewer(applied);
    await ensureUuids(sql);
    await runMigrations(drizzle(sql), { migrationsFolder });
    return await grantApp(sql, app);
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
  await refuseWithoutRights(sql);
}

/** Checks that a role which is not the owner has rights on the tables; after a migration somebody has to grant them. */
async function refuseWithoutRights(sql: postgres.Sql): Promise<void> {
  const lacking = await sql.unsafe<{ name: string; role: string }[]>(
    `select c.relname as name, current_user as role from pg_class c
      where c.relnamespace = current_schema()::regnamespace and c.relname = any($1)
        and not (has_table_privilege(c.oid, 'SELECT') and has_table_privilege(c.oid, 'INSERT'))`,
    [tableNames as string[]],
  );
  const [first] = lacking;
  if (first !== undefined) throw withoutRights(first.role, lacking.length);
}

function withoutRights(role: string, tables?: number): SchemaError {
  return new SchemaError(
    'role-without-rights',
    `The role "${role}" has no rights on ${tables === undefined ? "Ferry's tables" : `${tables} of Ferry's tables`}. Run "ferry migrate" with DATABASE_OWNER_URL to grant them.`,
  );
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

/**
 * Counts the applied migrations. Every program calls this first, so it also checks whether the database is suitable.
 */
async function countApplied(sql: postgres.Sql): Promise<number> {
  const [database] = await sql.unsafe<
    Database[]
  >(`select exists (select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'drizzle' and c.relname = '__drizzle_migrations') as there, current_user as role,
    exists (select 1 from pg_namespace where nspname = 'drizzle') as kept,
    coalesce((select has_schema_privilege(oid, 'USAGE') from pg_namespace where nspname = 'drizzle'), false) as readable,
    current_setting('server_encoding') as encoding, current_setting('client_encoding') as spoken,
    current_setting('server_version_num')::int as version, current_setting('server_version') as shown`);
  if (database === undefined) throw new Error('a query without an answer');
  refuseUnsuitable(database);
  if (database.kept && !database.readable) throw withoutRights(database.role);
  if (!database.there) return 0;
  const [row] = await sql.unsafe('select count(*)::int as count from drizzle.__drizzle_migrations');
  return Number(row?.['count'] ?? 0);
}

type Database = {
  readonly there: boolean;
  readonly role: string;
  /** Whether the schema with the table of migrations exists, and may be read. */
  readonly kept: boolean;
  readonly readable: boolean;
  readonly encoding: string;
  readonly spoken: string;
  readonly version: number;
  readonly shown: string;
};

/** The oldest version that the tests run on. */
const leastVersion = 150_000;

/**
 * Refuses an unsuitable database. Another encoding would accept every migration and then fail at the first emoji, or
 * alter other letters.
 */
function refuseUnsuitable({ encoding, spoken, version, shown }: Database): void {
  if (version < leastVersion)
    throw unsuitable(
      `This is PostgreSQL ${shown}, and Ferry needs 15 or later. Upgrade it, or name another server in DATABASE_URL.`,
    );
  if (encoding !== 'UTF8')
    throw unsuitable(
      `The database stores text as ${encoding}, and Ferry needs UTF8. Create another one: create database ferry encoding 'UTF8' template template0.`,
    );
  if (spoken !== 'UTF8')
    throw unsuitable(`The connection uses ${spoken}, and Ferry needs UTF8. Remove client_encoding from DATABASE_URL.`);
}

function unsuitable(message: string): SchemaError {
  return new SchemaError('database-unsuitable', message);
}
