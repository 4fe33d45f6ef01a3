// What the other side said of a link is shown for as long as it can be true.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import type { LinkState, WireLink } from '#core/wire.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { claimPeers } from '#db/links/claim-peers.ts';
import { moveLink } from '#db/links/link-life.ts';
import { linkStandings } from '#db/links/link-status.ts';
import { loadPeer, savePeerSaid } from '#db/links/peers.ts';
import { addOrganisations } from '#test/db/exchange/receive-rig.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

let database: TestDatabase;
let connection: Connection;
before(async () => {
  database = await freshDatabase('said');
  connection = connect(database.url, { max: 4 });
  await addOrganisations(connection);
  await connection.db.execute(
    sql`insert into peers (link, instance, issuer, client_id, api, far_link)
      values ('acme-north', 'north', 'https://acme.example/i/acme', 'north', 'https://acme.example', 'acme-northwind')`,
  );
  await connection.db.execute(sql`update links set state = 'pairing' where id = 'acme-north'`);
});
after(async () => {
  await connection.close();
  await database.drop();
});

const saying = (state: LinkState): WireLink => ({
  link: 'acme-northwind',
  state,
  reason: null,
  contact: null,
  now: new Date().toISOString(),
  fingerprint: 'a database',
  limits: { bodyBytes: 1, attachmentBytes: 1, actionsPerBatch: 1 },
});
const shown = async (): Promise<string | null> =>
  (await linkStandings(connection.db, 'acme-north'))[0]?.said?.state ?? null;
const move = (state: LinkState): Promise<LinkState | null> =>
  connection.db.transaction((tx) => moveLink(tx, 'acme-north', state, reason('link-closed')));

test('what it said is shown until the link changes here; then it is asked again at once, and its database is remembered', async () => {
  const { db } = connection;
  await savePeerSaid(db, 'acme-north', saying('pairing'));
  assert.equal(await shown(), 'pairing');
  await connection.db.transaction((tx) => moveLink(tx, 'acme-north', 'active', null));
  assert.equal(await shown(), null);
  assert.equal((await loadPeer(db, 'acme-north'))?.said?.fingerprint, 'a database');

  assert.deepEqual(
    (await claimPeers(db, 60_000)).map(({ link }) => link),
    ['acme-north'],
  );
  assert.equal(await shown(), null, 'asked, and not answered yet');
  await savePeerSaid(db, 'acme-north', saying('active'));
  assert.equal(await shown(), 'active');
  assert.equal((await claimPeers(db, 60_000)).length, 0);
});

test('of a link that ends here, nothing is shown that it said while there was one', async () => {
  await savePeerSaid(connection.db, 'acme-north', saying('active'));
  await move('closing');
  assert.equal(await shown(), null);
  const [row] = await rows<{ at: string | null }>(
    connection.db,
    sql`select said_at as at from peers where link = 'acme-north'`,
  );
  assert.equal(row?.at, null);
});
