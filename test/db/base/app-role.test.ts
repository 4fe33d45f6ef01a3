// The role of gateways and workers, if it is not the one that owns the tables.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import { writeAudit } from '#db/base/audit.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { tableNames } from '#db/base/grants.ts';
import { assertSchema, migrate, type SchemaError } from '#db/base/migrate.ts';
import { purge } from '#db/operate/maintenance.ts';
import { ensurePartitions } from '#db/operate/partitions.ts';
import { ferry } from '#test/cli/run.ts';
import { asApp, emptyDatabase, freshDatabase, type TestDatabase } from '#test/support/database.ts';

const failsWith =
  (code: string, about = /./) =>
  ({ cause }: Error): boolean =>
    cause instanceof Error && 'code' in cause && cause.code === code && about.test(cause.message);
const refused = failsWith('42501');
const ann = { kind: 'cli', id: 'ann', name: 'Ann Lee' } as const;

describe('the role of the app', () => {
  let database: TestDatabase;
  let app: Connection;
  let owner: postgres.Sql;
  before(async () => {
    database = await freshDatabase('app_role');
    app = connect(await asApp(database), { max: 2 });
    owner = postgres(database.ownerUrl, { max: 1, onnotice: () => {} });
  });
  after(async () => {
    await app.close();
    await owner.end();
    await database.drop();
  });

  it('adds rows to the audit and reads them, and can neither change, delete nor empty it', async () => {
    await writeAudit(app.db, ann, [{ what: 'release', subject: 'deliveries/1', detail: {} }]);
    assert.equal((await rows(app.db, sql`select by from audit`)).length, 1);
    for (const statement of [
      sql`update audit set by = 'nobody'`,
      sql`delete from audit`,
      sql`truncate audit`,
      sql`insert into audit (id, by, what, subject) select id, 'nobody', what, subject from audit
        on conflict (id) do update set by = 'nobody'`,
    ])
      await assert.rejects(app.db.execute(statement), refused);
    assert.deepEqual([...(await rows(app.db, sql`select by from audit`))], [{ by: 'Ann Lee' }]);
  });

  it('can not change the audit even where it was given the right by mistake', async () => {
    const name = new URL(await asApp(database)).username;
    await owner.unsafe(`grant all on audit to ${name}`);
    try {
      for (const statement of [sql`update audit set by = 'nobody'`, sql`delete from audit`, sql`truncate audit`])
        await assert.rejects(app.db.execute(statement), failsWith('42501', /neither changed nor/));
      for (const statement of [
        sql`alter table audit disable trigger keep_audit`,
        sql`drop trigger keep_audit on audit`,
      ])
        await assert.rejects(app.db.execute(statement), refused);
    } finally {
      await asApp(database);
    }
    const [right] = await owner`select has_table_privilege(${name}, 'audit', 'update') as may`;
    assert.equal(right?.['may'], false, 'the next migration takes it away again');
  });

  it('reads and writes the rows of every other table, and changes no table', async () => {
    for (const name of tableNames.filter((one) => one !== 'audit')) {
      await app.db.execute(sql`delete from ${sql.identifier(name)} where false`);
      for (const statement of [
        sql`truncate ${sql.identifier(name)}`,
        sql`alter table ${sql.identifier(name)} add column x text`,
        sql`drop table ${sql.identifier(name)}`,
      ])
        await assert.rejects(app.db.execute(statement), refused);
    }
    await assert.rejects(app.db.execute(sql`create table extra (x text)`), refused);
  });

  it('has months of attempts made, and writes attempts into them', async () => {
    const [last] = await owner.unsafe<{ name: string }[]>(
      `select inhrelid::regclass::text as name from pg_inherits
        where inhparent = 'attempts'::regclass and inhrelid::regclass::text <> 'attempts_default' order by 1 desc limit 1`,
    );
    await owner.unsafe(`drop table ${last?.name ?? ''}`);
    assert.equal(await ensurePartitions(app.db), 1);
    const at = `${(last?.name ?? '').replace('attempts_', '').replace('_', '-')}-15T00:00:00Z`;
    await app.db.execute(
      sql`insert into attempts (delivery, at, duration_ms, result)
        values ('01a00000-0000-7000-8000-000000000001', ${at}::timestamptz, 1, 'applied')`,
    );
    assert.equal((await rows(app.db, sql`select 1 from attempts where at = ${at}::timestamptz`)).length, 1);
  });

  it('creates partitions of attempts only, whatever it names', async () => {
    for (const day of ['2020-01-01', '2999-01-01', '2026-12-02'])
      await assert.rejects(app.db.execute(sql`select make_attempts_month(${day}::date)`), failsWith('22023'));
  });

  it('is not misled by its own tables that hide those of Ferry', async () => {
    await app.db.transaction(async (tx) => {
      await tx.execute(sql`create temporary table attempts (at timestamptz) on commit drop`);
      await tx.execute(sql`create temporary table attempts_default (at timestamptz) on commit drop`);
      await tx.execute(sql`select make_attempts_month(date_trunc('month', now() + interval '36 months')::date)`);
      const found = await rows(tx, sql`select 1 from pg_inherits where inhparent = 'pg_temp.attempts'::regclass`);
      assert.equal(found.length, 0);
    });
  });

  it('tidies up', () => purge(app.db));

  it('passes the check of the schema', () => assertSchema(app.sql));
});

describe('ferry migrate with a separate owner', () => {
  let database: TestDatabase;
  let url: string;
  const role = `ferry_app_${process.pid}`;
  const env = (): Record<string, string> => ({ DATABASE_URL: url, DATABASE_OWNER_URL: database.ownerUrl });
  const withOwner = async (use: (sql: postgres.Sql) => Promise<unknown>): Promise<void> => {
    const sql = postgres(database.ownerUrl, { max: 1, onnotice: () => {} });
    try {
      await use(sql);
    } finally {
      await sql.end();
    }
  };
  before(async () => {
    database = await emptyDatabase('app_owner');
    const own = new URL(database.ownerUrl);
    [own.username, own.password] = [role, 'secret'];
    url = own.href;
  });
  after(async () => {
    await withOwner(async (sql) => {
      await sql.unsafe(`drop owned by ${role}`);
      await sql.unsafe(`drop role ${role}`);
    });
    await database.drop();
  });

  it('says which role is missing and how to make it', async () => {
    const { code, err } = await ferry(['migrate'], { env: env() });
    assert.equal(code, 78);
    assert.match(err, new RegExp(`no role "${role}".*create role "${role}" login.*\\[role-missing\\]`));
    assert.doesNotMatch(err, /secret/);
  });

  it('gives the role of DATABASE_URL its rights, again and again', async () => {
    await withOwner((sql) => sql.unsafe(`create role ${role} login password 'secret'`));
    for (let n = 0; n < 2; n += 1) {
      const { code, out } = await ferry(['migrate'], { env: env() });
      assert.equal(code, 0);
      assert.match(out, new RegExp(`The role ${role} has its rights`));
    }
    assert.equal((await ferry(['status', '--json'], { env: { ...env(), TEMPORAL_ADDRESS: '127.0.0.1:1' } })).code, 2);
  });

  it('gives them for new tables too where only the owner is named', async () => {
    await withOwner((sql) => sql.unsafe(`revoke all on notices, links from ${role}`));
    const app = postgres(url, { max: 1, onnotice: () => {} });
    try {
      await assert.rejects(assertSchema(app), (error: SchemaError) => {
        assert.equal(error.code, 'role-without-rights');
        assert.match(error.message, /2 of Ferry's tables.*DATABASE_OWNER_URL/);
        return true;
      });
      assert.deepEqual(await migrate(database.ownerUrl), [role]);
      await assertSchema(app);
    } finally {
      await app.end();
    }
  });

  it('is needed by a role without any grants yet, which gets that message', async () => {
    await withOwner((sql) => sql.unsafe(`drop owned by ${role}`));
    const { code, err } = await ferry(['status'], { env: env() });
    assert.equal(code, 78);
    assert.match(err, /no rights on Ferry's tables.*\[role-without-rights\]/);
  });
});
