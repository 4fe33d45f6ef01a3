/** Brings the fixture of an older version's database to life: as that version made it, and as if it had stopped just now. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { constantHash } from '#core/log/constant.ts';
import type { ConstantPart } from '#core/words/vocabulary.ts';
import type { DeskTicket } from '#twins/light/server.ts';
import { tempDir } from '#test/support/temp.ts';
import { checkout } from '#test/support/process.ts';

export type Stopped = {
  readonly stoppedAt: string;
  readonly desks: Readonly<Record<string, readonly DeskTicket[]>>;
};

const here = fileURLToPath(new URL('.', import.meta.url));

/** Fills an empty database with the migrations of 0.1.0 and the fixture's rows. */
export async function fillAsBefore(url: string): Promise<Stopped> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await migrate(drizzle(sql), { migrationsFolder: await firstMigrations(2) });
    await sql.unsafe(await readFile(join(here, 'database.sql'), 'utf8'));
    return JSON.parse(await readFile(join(here, 'desks.json'), 'utf8')) as Stopped;
  } finally {
    await sql.end();
  }
}

/** A folder with the first of the repository's migrations and no others. */
async function firstMigrations(count: number): Promise<string> {
  const { path } = await tempDir();
  const from = join(checkout, 'db', 'migrations');
  const journal = JSON.parse(await readFile(join(from, 'meta', '_journal.json'), 'utf8')) as {
    readonly entries: readonly { readonly tag: string }[];
  };
  const entries = journal.entries.slice(0, count);
  await mkdir(join(path, 'meta'));
  await writeFile(join(path, 'meta', '_journal.json'), JSON.stringify({ ...journal, entries }));
  for (const { tag } of entries) await cp(join(from, `${tag}.sql`), join(path, `${tag}.sql`));
  return path;
}

type HashedRow = ConstantPart & { readonly hash: string };

/** Actions whose hash is not that of their constant part. */
export async function unhashed(sql: postgres.Sql): Promise<string[]> {
  return (await hashedRows(sql)).flatMap(({ hash, ...part }) => (constantHash(part) === hash ? [] : [part.id]));
}

async function hashedRows(sql: postgres.Sql): Promise<HashedRow[]> {
  const found = await sql<HashedRow[]>`select id, origin, author, at, audience, note, attachments, hash from actions
    where author is not null`;
  return found.map((row) => ({ ...row, at: new Date(row.at).toISOString() }));
}

/** Moves every time in the database and at the desks on, as if it had stopped now. Hashes follow the times they are of. */
export async function stopNow(sql: postgres.Sql, stopped: Stopped): Promise<Stopped['desks']> {
  const ms = Math.floor((Date.now() - Date.parse(stopped.stoppedAt)) / 1_000) * 1_000;
  const columns = await sql`select table_name as table, column_name as column from information_schema.columns c
    join pg_class on relname = table_name and not relispartition
    where table_schema = 'public' and data_type = 'timestamp with time zone'`;
  for (const { table, column } of columns)
    await sql`update ${sql(table)} set ${sql(column)} = ${sql(column)} + make_interval(secs => ${ms / 1_000})
      where isfinite(${sql(column)})`;
  for (const { hash: _before, ...part } of await hashedRows(sql))
    await sql`update actions set hash = ${constantHash(part)} where id = ${part.id}`;
  const moved = (at: string): string => new Date(Date.parse(at) + ms).toISOString();
  return Object.fromEntries(
    Object.entries(stopped.desks).map(([id, tickets]) => [
      id,
      tickets.map((ticket) => ({
        ...ticket,
        actions: ticket.actions.map((action) => ({ ...action, at: moved(action.at) })),
      })),
    ]),
  );
}
