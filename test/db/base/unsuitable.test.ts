import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { assertSchema, migrate, SchemaError } from '#db/base/migrate.ts';
import { emptyDatabase, withDatabase } from '#test/support/database.ts';
import { testPostgres } from '#test/support/services.ts';

const unsuitable = (about: RegExp) => (error: unknown) => {
  assert.ok(error instanceof SchemaError);
  assert.equal(error.code, 'database-unsuitable');
  assert.match(error.message, about);
  assert.ok(!error.message.includes('\n'));
  return true;
};

for (const encoding of ['LATIN1', 'SQL_ASCII', 'EUC_JP']) {
  test(`a database that stores text as ${encoding} is refused in one line, and nothing is written to it`, async () => {
    const server = await testPostgres();
    const name = `t_encoding_${randomBytes(6).toString('hex')}`;
    const url = withDatabase(server, name);
    const admin = postgres(server, { max: 1, onnotice: () => {} });
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    try {
      await admin.unsafe(
        `create database ${name} encoding '${encoding}' lc_collate 'C' lc_ctype 'C' template template0`,
      );
      await assert.rejects(migrate(url), unsuitable(new RegExp(`stores text as ${encoding}.*encoding 'UTF8'`)));
      await assert.rejects(assertSchema(sql), unsuitable(/needs UTF8/));
      const tables = await sql`select 1 from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`;
      assert.equal(tables.length, 0);
    } finally {
      await sql.end();
      await admin.unsafe(`drop database if exists ${name} with (force)`);
      await admin.end();
    }
  });
}

test('a connection with another client encoding is refused', async () => {
  const { url, drop } = await emptyDatabase();
  try {
    await assert.rejects(migrate(`${url}?client_encoding=LATIN1`), unsuitable(/uses LATIN1.*client_encoding/));
    await migrate(url);
  } finally {
    await drop();
  }
});
