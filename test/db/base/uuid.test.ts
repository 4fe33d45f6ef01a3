import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import postgres from 'postgres';
import { ensureUuids } from '#db/base/uuid.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const msOf = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);

describe("the database's uuidv7(), its server's or ours", () => {
  let database: TestDatabase;
  let sql: postgres.Sql;
  before(async () => {
    database = await freshDatabase('uuid');
    sql = postgres(database.url, { max: 1, onnotice: () => {} });
  });
  after(async () => {
    await sql.end();
    await database.drop();
  });

  const made = async (query: string): Promise<string[]> =>
    (await sql.unsafe<{ id: string }[]>(query)).map(({ id }) => id);

  it('gives ids of version 7 with the time of the server, none twice', async () => {
    const [row] = await sql.unsafe<{ before: Date; ids: string[]; after: Date }[]>(
      `select clock_timestamp() as before,
        (select array_agg(uuidv7()::text) from generate_series(1, 2000)) as ids, clock_timestamp() as after`,
    );
    assert.ok(row);
    assert.equal(new Set(row.ids).size, 2_000);
    for (const id of row.ids) {
      assert.match(id, form);
      assert.ok(msOf(id) >= row.before.getTime() - 1, 'not before');
      // Many within one moment run slightly ahead of the clock, so that they ascend.
      assert.ok(msOf(id) <= row.after.getTime() + 2_000 / 4_096 + 1, 'not after');
    }
  });

  it('ascends within a session, through transactions that are rolled back', async () => {
    const ids: string[] = [];
    for (let round = 0; round < 20; round += 1) {
      ids.push(...(await made('select uuidv7()::text as id from generate_series(1, 50)')));
      await sql
        .begin(async (tx) => {
          ids.push(...(await tx.unsafe<{ id: string }[]>('select uuidv7()::text as id')).map(({ id }) => id));
          throw new Error('rolled back');
        })
        .catch(() => undefined);
    }
    assert.deepEqual(ids, ids.toSorted());
  });

  it('moves its time by what it is given', async () => {
    const [row] = await sql.unsafe<{ past: string; wanted: Date }[]>(
      `select uuidv7(interval '-2 days -90 minutes')::text as past, clock_timestamp() - interval '2 days 90 minutes' as wanted`,
    );
    assert.ok(row);
    assert.match(row.past, form);
    assert.ok(Math.abs(msOf(row.past) - row.wanted.getTime()) < 1_000);
  });

  it('is there after the migrations, and making it again changes nothing', async () => {
    const owner = postgres(database.ownerUrl, { max: 1, onnotice: () => {} });
    try {
      await ensureUuids(owner);
      await ensureUuids(owner);
      assert.match((await made('select uuidv7()::text as id'))[0] ?? '', form);
    } finally {
      await owner.end();
    }
  });

  it("is the server's where a database comes from a server that had none", async (t) => {
    const [server] = await sql`select current_setting('server_version_num')::int as version`;
    if (server?.['version'] < 180_000) return t.skip('this server has none');
    const owner = postgres(database.ownerUrl, { max: 1, onnotice: () => {} });
    try {
      await owner.unsafe(
        `create function public.uuidv7(shift interval default '0') returns uuid language sql as 'select null::uuid'`,
      );
      await ensureUuids(owner);
      const [row] = await owner.unsafe(
        `select public.uuidv7()::text as id, public.uuidv7(interval '-1 day')::text as past`,
      );
      assert.match(row?.['id'], form);
      assert.ok(msOf(row?.['id']) - msOf(row?.['past']) > 86_000_000);
    } finally {
      await owner.end();
    }
  });
});
