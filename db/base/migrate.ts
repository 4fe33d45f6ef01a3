/** Brings a database to this version's schema, or says why it can't. */
import { drizzle } from 'drizzle-orm/postgres-js';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { migrate as runMigrations } from 'drizzle-orm/postgres-js/migrator';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';

const migrationsFolder = fileURLToPath(new URL('../migrations', import.meta.url));
/** Any constant; held by whoever migrates. */
const migrationLock = 7_203_114;

export class SchemaError extends Error {
  override readonly name = 'SchemaError';
  readonly code: 'schema-newer' | 'schema-older';

  constructor(code: 'schema-newer' | 'schema-older', message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Applies what is missing. Several callers at once are harmless: the later ones wait for the lock.
 * Throws SchemaError `schema-newer` where a newer Ferry has already migrated; nothing is written then.
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

async function countApplied(sql: postgres.Sql): Promise<number> {
  const [there] = await sql.unsafe(`select to_regclass('drizzle.__drizzle_migrations') is not null as there`);
  if (there?.['there'] !== true) return 0;
  const [row] = await sql.unsafe('select count(*)::int as count from drizzle.__drizzle_migrations');
  return Number(row?.['count'] ?? 0);
}
