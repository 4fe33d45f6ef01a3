import assert from 'node:assert/strict';
import { after, beforeEach, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { claimPeers } from '#db/links/claim-peers.ts';
import { twoDesks, type TwoDesks } from '#test/db/mirrored.ts';

describe('a peer that is to be asked how it is', () => {
  let desks: TwoDesks;
  before(async () => {
    desks = await twoDesks('claim_peers');
    await desks.db.execute(sql`update instances set type = 'peer' where id = 'north'`);
    await desks.db.execute(
      sql`insert into peers (link, instance, issuer, client_id, api, far_link) values ('acme-north', 'acme', 'https://far.test', 'us', 'https://far.test', 'far')`,
    );
  });
  beforeEach(async () => {
    await desks.db.execute(sql`update peers set said_at = null`);
    await desks.db.execute(sql`update links set state = 'active'`);
  });
  after(() => desks.close());

  const claim = async (): Promise<unknown[]> => [...(await claimPeers(desks.db, 60_000))];

  it('is claimed by one process of several, and again only after the time', async () => {
    const claims = await Promise.all([claim(), claim(), claim()]);
    assert.deepEqual(claims.flat(), [
      { link: 'acme-north', state: 'active', far: 'north', desk: 'NORTH', catalogueVersion: 1 },
    ]);
    assert.deepEqual(await claim(), []);
    await desks.db.execute(sql`update peers set said_at = now() - interval '61 seconds'`);
    assert.equal((await claim()).length, 1);
  });

  it('is not asked while its link is paired, or once it ends', async () => {
    for (const state of ['pairing', 'closing', 'closed']) {
      await desks.db.execute(sql`update links set state = ${state}`);
      assert.deepEqual(await claim(), []);
    }
  });
});
