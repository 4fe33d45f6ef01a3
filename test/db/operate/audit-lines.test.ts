import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, type Connection } from '#db/base/client.ts';
import { createAuditTail } from '#db/operate/audit-lines.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

let database: TestDatabase;
const open: Connection[] = [];
before(async () => {
  database = await freshDatabase('audit');
});
after(async () => {
  for (const connection of open) await connection.close();
  await database.drop();
});

/** As each worker has it: a pool of one connection. */
function connection(): Connection {
  const made = connect(database.url, { max: 1 });
  open.push(made);
  return made;
}

const insert = (on: Connection, what: string, ago = '0 s') =>
  on.db.execute(
    sql`insert into audit (id, at, by, what, subject) values (uuidv7(-${ago}::interval), now() - ${ago}::interval, 'dana', ${what}, 'links/acme-north')`,
  );

test('each entry is shown by one worker, once, however many look and however often', async () => {
  const [one, other, writer] = [connection(), connection(), connection()];
  const tails = [createAuditTail(one.db), createAuditTail(other.db)];
  const shown: string[] = [];
  for (let round = 0; round < 5; round += 1) {
    await insert(writer, `command-${round}`);
    for (const lines of await Promise.all(tails.map((tail) => tail.next())))
      shown.push(...lines.map(({ what }) => what));
  }
  for (const tail of tails) shown.push(...(await tail.next()).map(({ what }) => what));
  assert.deepEqual(shown.toSorted(), ['command-0', 'command-1', 'command-2', 'command-3', 'command-4']);
});

test('one that was committed late, by a transaction that began before others, is shown too', async () => {
  const [mine, writer] = [connection(), connection()];
  const tail = createAuditTail(mine.db);
  await tail.next();
  await insert(writer, 'sooner');
  await tail.next();
  await insert(writer, 'late', '8 s');
  assert.deepEqual(
    (await tail.next()).map(({ what, by, link }) => [what, by, link]),
    [['late', 'dana', 'acme-north']],
  );
});

test('a lock is given back after a time, and what was shown is not shown again', async () => {
  const [mine, writer] = [connection(), connection()];
  let now = 0;
  const tail = createAuditTail(mine.db, () => now);
  await tail.next();
  await insert(writer, 'kept');
  assert.equal((await tail.next()).length, 1);
  const locks = async (): Promise<number> => {
    const [row] =
      await mine.sql`select count(*)::int as n from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`;
    return Number(row?.['n']);
  };
  const held = await locks();
  assert.ok(held >= 1);
  now = 600_000;
  await writer.sql`update audit set id = uuidv7(-interval '1 hour') where what = 'kept'`;
  assert.deepEqual(await tail.next(), []);
  assert.equal(await locks(), 0);
});

test('the first look begins where a worker last read something, so that what was done without one is shown', async () => {
  const [mine, writer] = [connection(), connection()];
  await writer.sql`delete from audit`;
  await insert(writer, 'while-none-ran', '1 hour');
  await insert(writer, 'before-that', '3 hours');
  await writer.sql`insert into feeds (instance, read_at) values ('acme', now() - interval '2 hours')`;
  assert.deepEqual(
    (await createAuditTail(mine.db).next()).map(({ what }) => what),
    ['while-none-ran'],
  );
  await writer.sql`update feeds set read_at = now()`;
  assert.deepEqual(await createAuditTail(connection().db).next(), []);
});
