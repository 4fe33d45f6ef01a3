// Contents are sealed after the fact, and with a new key.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { assertContentKeys } from '#db/base/content-keys.ts';
import { createSealer } from '#db/base/content.ts';
import { resealContents } from '#operate/keys/reseal-contents.ts';
import { createOperator, type Operator } from '#operate/operator.ts';
import { ids, plantTickets } from '#test/cli/log.ts';
import { ferry } from '#test/cli/run.ts';
import { goodYaml, openBench, type Bench } from '#test/cli/support.ts';
import { ann, somebody } from '#test/support/operator.ts';
import { tempDir } from '#test/support/temp.ts';

const [first, second] = [randomBytes(32), randomBytes(32)];
let bench: Bench;
const opened: Connection[] = [];
beforeEach(async () => {
  bench = await openBench();
  await bench.apply(goodYaml);
  await plantTickets(bench.connection);
  const { db } = bench.connection;
  await db.execute(
    sql`update tickets set snapshot = '{"summary": "planted summary", "closed": false, "fields": {"Scope": "planted"}}'`,
  );
  await db.execute(
    sql`update writes set plan = '{"command": {"note": "planted plan"}, "meant": {"all": {"status": "planted"}}}' where step = 0`,
  );
  await db.execute(
    sql`insert into offers (link, mirror, delivery, action) values ('acme-northwind', ${ids.escalation}, ${ids.toAcme}, '{"note": "planted offer"}')`,
  );
  await db.execute(
    sql`insert into attachments (action, id, failure) values (${ids.escalation}, 'a', 'planted failure')`,
  );
  await db.execute(sql`insert into notices (link, cause, text) values ('acme-northwind', 'x', 'planted notice')`);
  await db.execute(sql`update couriers set reason = '{"code": "trouble", "text": "planted trouble"}'`);
  await db.execute(
    sql`update actions set signed = '{"note": "planted signed"}', opening = '{"summary": "planted opening"}' where id = ${ids.escalation}`,
  );
  await db.execute(
    sql`update deliveries set sent = '{"note": "planted sent"}', constant = '{"note": "planted constant"}', words = '{"summary": "planted words"}', drops = '[{"code": "x", "text": "planted drop"}]' where id = ${ids.toNorthwind}`,
  );
});
afterEach(async () => {
  for (const connection of opened.splice(0)) await connection.close();
  await bench.close();
});

async function withKeys(...contentKeys: Buffer[]): Promise<{ operator: Operator; connection: Connection }> {
  const connection = connect(bench.url, { max: 2, contentKeys });
  opened.push(connection);
  await assertContentKeys(connection.sql, connection.sealer);
  return {
    connection,
    operator: createOperator({ db: connection.db, actor: ann, secretKeys: [], sealer: connection.sealer }),
  };
}
/** Reads the database as somebody with these keys, or without any, sees it. */
async function seen(connection: Connection): Promise<string> {
  const texts: string[] = [];
  for (const table of [
    'actions',
    'attachments',
    'attempts',
    'couriers',
    'deliveries',
    'notices',
    'offers',
    'tickets',
    'writes',
  ])
    for (const row of await rows(connection.db, sql`select * from ${sql.identifier(table)} order by 1, 2, 3`))
      texts.push(`${table} ${JSON.stringify(row)}`);
  return texts.join('\n');
}

test('nothing readable remains of a database that was not sealed, and with the key everything is unchanged', async () => {
  const before = await seen(bench.connection);
  assert.ok(before.split('\n').filter((row) => row.includes('planted')).length >= 9);
  const { operator, connection } = await withKeys(first);
  assert.equal(await seen(connection), before, 'what is not sealed yet is read as ever');
  const { resealed, forgotten } = await resealContents(operator);
  assert.ok(resealed > 20);
  assert.deepEqual(forgotten, []);
  assert.doesNotMatch(await seen(bench.connection), /planted|Dana|Lena|Everybody|With supplier/);
  assert.equal(await seen(connection), before);
  assert.equal((await resealContents(operator)).resealed, 0, 'what is sealed is not sealed again');
});

test('with a new key everything is sealed again, and the old one is no longer needed', async () => {
  await resealContents((await withKeys(first)).operator);
  const { operator, connection } = await withKeys(second, first);
  const before = await seen(connection);
  const done = await resealContents(operator);
  assert.ok(done.resealed > 20);
  assert.deepEqual(done.forgotten, [createSealer([first])?.kid]);
  assert.equal(await seen((await withKeys(second)).connection), before);
  await assert.rejects(withKeys(first), { code: 'content-key-missing' });
});

test('after an interruption it continues where it stopped', async () => {
  const { operator } = await withKeys(first);
  let calls = 0;
  const cut = resealContents(operator, () => {
    calls += 1;
    if (calls === 4) throw new Error('cut off');
  });
  await assert.rejects(cut, /cut off/);
  const half = await seen(bench.connection);
  assert.match(half, /planted/);
  assert.match(half, /ferry-sealed:/);
  await resealContents(operator);
  assert.doesNotMatch(await seen(bench.connection), /planted/);
});

test('what somebody changes meanwhile keeps the change', async () => {
  const { operator, connection } = await withKeys(first);
  await connection.db.execute(sql`update actions set note = null where id = ${ids.update}`);
  await resealContents(operator, () => void bench.connection.db.execute(sql`update notices set text = 'changed'`));
  const [row] = await rows(bench.connection.db, sql`select note from actions where id = ${ids.update}`);
  assert.equal(row?.['note'], null);
});

test('it is audited with the name of the key and takes an administrator of everything; without a key it is refused', async () => {
  const { operator, connection } = await withKeys(first);
  await resealContents(operator);
  const audited = await rows<{ detail: Record<string, unknown> }>(
    connection.db,
    sql`select detail from audit where what = 'key-reseal'`,
  );
  assert.ok(audited.length > 0 && audited.every(({ detail }) => detail['key'] === connection.sealer?.kid));
  await assert.rejects(resealContents({ ...operator, actor: somebody('operator') }), { code: 'not-allowed' });
  await assert.rejects(resealContents({ ...operator, sealer: null }), { code: 'no-content-key' });
});

test('ferry key reseal --contents does it, files too', async () => {
  const blobs = await tempDir();
  try {
    const env = { DATABASE_URL: bench.url, FERRY_CONTENT_KEY: first.toString('base64'), FERRY_BLOBS: blobs.path };
    const { code, out } = await ferry(['key', 'reseal', '--contents'], { env });
    assert.equal(code, 0);
    assert.match(
      out,
      /^\d+ values and 0 files sealed with the first key of FERRY_CONTENT_KEY; 0 files already used it\.\n/,
    );
    assert.equal((await ferry(['status', '--json'], { env: { DATABASE_URL: bench.url } })).code, 78);
  } finally {
    await blobs.remove();
  }
});
