/**
 * Ferry works on the oldest PostgreSQL that it promises: everything about the database, and a whole federation, once more
 * on the server of this machine's distribution.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import postgres from 'postgres';
import { startPostgres } from '#standalone/machine/postgres.ts';
import { runOnceMore } from '#test/support/once-more.ts';
import { endsWithThis } from '#test/support/process.ts';
import { postgresVariable } from '#test/support/services.ts';
import { tempDir } from '#test/support/temp.ts';

/** Where Debian and Ubuntu install each major version. */
const installed = '/usr/lib/postgresql';
/** The embedded one, on which everything else runs. */
const usual = 18;
const files = ['db/**/*', 'activities/desk/budget', 'federation/basics', 'cli/operate'];

function majors(): number[] {
  try {
    return readdirSync(installed)
      .map(Number)
      .filter((major) => major >= 15 && major < usual)
      .toSorted((a, b) => a - b);
  } catch {
    return [];
  }
}

test(
  'everything about the database, and a federation, works on an older PostgreSQL',
  { timeout: 900_000 },
  async (t) => {
    const [major] = majors();
    if (major === undefined) return t.skip(`no PostgreSQL before ${usual} is installed in ${installed}`);
    const temp = await tempDir(0o711);
    const bin = join(installed, String(major), 'bin');
    let pid: number | undefined;
    endsWithThis(() => pid);
    const server = await startPostgres({
      dataDir: join(temp.path, 'pg'),
      durable: false,
      logFile: join(temp.path, 'postgres.log'),
      binaries: { postgres: join(bin, 'postgres'), initdb: join(bin, 'initdb'), major: String(major) },
    });
    ({ pid } = server);
    try {
      const url = server.url('postgres');
      const sql = postgres(url, { max: 1 });
      const [row] = await sql`select current_setting('server_version_num')::int / 10000 as major`;
      await sql.end();
      assert.equal(row?.['major'], major);
      const { code, out } = await runOnceMore(
        files.map((name) => `test/${name}.test.ts`),
        { [postgresVariable]: url },
      );
      assert.equal(code, 0, out.slice(-8_000));
    } finally {
      await server.stop();
      pid = undefined;
      await temp.remove();
    }
  },
);
