import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { isRemote, reachOf } from '#core/words/reach.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { typeHasReach, typeIsRemote } from '#db/base/reach.ts';
import { emptyDatabase, type TestDatabase } from '#test/support/database.ts';

let database: TestDatabase;
let connection: Connection;
before(async () => {
  database = await emptyDatabase('reach');
  connection = connect(database.url, { max: 1 });
});
after(async () => {
  await connection?.close();
  await database?.drop();
});

it('the database and core agree on who speaks for an instance, whatever its type', async () => {
  for (const type of ['peer', 'api', 'desk', 'peers', 'API', '', "o'peer"]) {
    const [row] = await rows<{ remote: boolean; driven: boolean; peer: boolean; api: boolean }>(
      connection.db,
      sql`select ${typeIsRemote('t.type')} as remote, ${typeHasReach('t.type', 'driven')} as driven,
          ${typeHasReach('t.type', 'peer')} as peer, ${typeHasReach('t.type', 'api')} as api
        from (select ${type}::text as type) t`,
    );
    const reach = reachOf(type);
    assert.deepEqual(
      row,
      { remote: isRemote(type), driven: reach === 'driven', peer: reach === 'peer', api: reach === 'api' },
      type,
    );
  }
});
