/**
 * Backups of an organisation's database, as restoring a dump leaves it: older, and with another fingerprint. Its desk,
 * its files and its Temporal stay as they are.
 */
import { randomBytes } from 'node:crypto';
import { databaseFingerprint } from '#db/links/identity.ts';
import { connect } from '#db/base/client.ts';
import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import { withDatabase, type TestDatabase } from '#test/support/database.ts';
import { testPostgres } from '#test/support/services.ts';

export type Backup = {
  readonly url: string;
  /** Puts it in the place of the organisation's database. Nothing of the organisation may run. */
  restore(how?: {
    /** As a copy of the server's files: it does not know that it is another one. */ readonly unnoticed?: boolean;
  }): Promise<void>;
  drop(): Promise<void>;
};

/** All connections to the database are cut meanwhile, and come back without help. */
export async function backUp({
  rig,
}: {
  readonly rig: { readonly database: Pick<TestDatabase, 'name' | 'url'> };
}): Promise<Backup> {
  const server = postgres(await testPostgres(), { max: 1, onnotice: () => {} });
  const { name } = rig.database;
  const copy = `${name}_copy_${randomBytes(3).toString('hex')}`;
  await copyDatabase(server, name, copy);
  const url = withDatabase(await testPostgres(), copy);
  return {
    url,
    async restore({ unnoticed = false } = {}) {
      await server`drop database ${server(name)} with (force)`;
      await copyDatabase(server, copy, name);
      if (!unnoticed) return;
      const { db, close } = connect(rig.database.url, { max: 1, name: 'restore' });
      await db.execute(sql`update gateway set fingerprint = ${await databaseFingerprint(db)}`);
      await close();
    },
    async drop() {
      await server`drop database if exists ${server(copy)} with (force)`;
      await server.end({ timeout: 5 });
    },
  };
}

async function copyDatabase(server: postgres.Sql, from: string, to: string): Promise<void> {
  await server`alter database ${server(from)} with allow_connections false`;
  await server`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${from}`;
  await server`create database ${server(to)} template ${server(from)}`;
  await server`alter database ${server(from)} with allow_connections true`;
}
