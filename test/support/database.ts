// A test's own migrated database, copied from a template in tens of milliseconds.
import { randomBytes } from 'node:crypto';
import postgres from 'postgres';

import { grantApp } from '#db/base/grants.ts';
import { migrate } from '#db/base/migrate.ts';

import { testPostgres } from './services.ts';

export type TestDatabase = {
  readonly name: string;
  readonly url: string;
  /** The URL for the role that owns its tables; it differs from `url` only if tests run as the app's role. */
  readonly ownerUrl: string;
  drop(): Promise<void>;
};

const template = 'ferry_template';
/** Any number; it only has to be the same in all test processes. */
const templateLock = 7_312_041;

/** `app`: databases are connected to as a role that owns nothing, as gateways and workers may be. */
export const roleVariable = 'FERRY_TEST_ROLE';
const appRole = 'ferry_test_app';
const appPassword = 'as-the-app';

/** @param label goes into the name, to be recognised in logs: lower case letters, digits, _ */
export async function freshDatabase(label = 'db'): Promise<TestDatabase> {
  const server = await testPostgres();
  await ensureTemplate(server);
  const made = await create(server, label, template);
  return process.env[roleVariable] === 'app' ? { ...made, url: await asApp(made) } : made;
}

/** Returns the URL of the database for the app's role. Creates the role if it does not exist, and grants its rights. */
export async function asApp({ ownerUrl }: TestDatabase): Promise<string> {
  await withServer(ownerUrl, async (sql) => {
    const taken = ['42710', '23505', 'XX000'];
    await sql.unsafe(`create role ${appRole} login password '${appPassword}'`).catch((error: { code?: string }) => {
      if (!taken.includes(error.code ?? '')) throw error;
    });
    await grantApp(sql, appRole);
  });
  const url = new URL(ownerUrl);
  [url.username, url.password] = [appRole, appPassword];
  return url.href;
}

/** A database without any table, for tests of the migrations themselves. */
export async function emptyDatabase(label = 'empty'): Promise<TestDatabase> {
  return create(await testPostgres(), label, 'template1');
}

export function withDatabase(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function create(server: string, label: string, from: string): Promise<TestDatabase> {
  const name = `t_${label}_${randomBytes(6).toString('hex')}`;
  await withServer(server, async (sql) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await sql`create database ${sql(name)} template ${sql(from)}`;
        return;
      } catch (error) {
        // Somebody's connection to the template is just closing.
        const objectInUse = '55006';
        if (attempt === 50 || (error as { code?: string }).code !== objectInUse) throw error;
        await sql`select pg_sleep(0.1)`;
      }
    }
  });
  return {
    name,
    url: withDatabase(server, name),
    ownerUrl: withDatabase(server, name),
    drop: () =>
      withServer(server, async (sql) => {
        await sql`drop database if exists ${sql(name)} with (force)`;
      }),
  };
}

let templateMade: Promise<void> | undefined;

function ensureTemplate(server: string): Promise<void> {
  templateMade ??= makeTemplate(server);
  return templateMade;
}

/** Created under another name first, so that everybody who sees the template sees it migrated. */
async function makeTemplate(server: string): Promise<void> {
  await withServer(server, async (sql) => {
    await sql`select pg_advisory_lock(${templateLock})`;
    try {
      const found = await sql`select 1 from pg_database where datname = ${template}`;
      if (found.length > 0) return;
      const draft = `${template}_draft`;
      await sql`drop database if exists ${sql(draft)} with (force)`;
      await sql`create database ${sql(draft)}`;
      await migrate(withDatabase(server, draft));
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${draft}`;
      await sql`alter database ${sql(draft)} rename to ${sql(template)}`;
    } finally {
      await sql`select pg_advisory_unlock(${templateLock})`;
    }
  });
}

async function withServer(server: string, use: (sql: postgres.Sql) => Promise<void>): Promise<void> {
  const sql = postgres(server, { max: 1, onnotice: () => {} });
  try {
    await use(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
