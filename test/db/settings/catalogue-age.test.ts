import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { saveCatalogue } from '#db/settings/apply-links.ts';
import { claimCatalogue } from '#db/settings/catalogue-age.ts';
import { twoDesks, type TwoDesks } from '#test/db/mirrored.ts';

describe('a catalogue that is old', () => {
  let desks: TwoDesks;
  before(async () => {
    desks = await twoDesks('catalogue_age');
  });
  after(() => desks.close());

  const claim = (): ReturnType<typeof claimCatalogue> => claimCatalogue(desks.db, 'acme', 60_000);

  it('is read again by one process of several, and by none before its time', async () => {
    assert.equal(await claim(), null);
    await desks.db.execute(sql`update catalogues set read_at = now() - interval '61 seconds'`);
    const claims = await Promise.all([claim(), claim(), claim()]);
    assert.deepEqual(
      claims.filter((one) => one !== null),
      [{ version: 1 }],
    );
    assert.equal(await claim(), null);
  });

  it('is the one in force, not one that another has replaced', async () => {
    const catalogue = {
      statuses: [],
      categories: [],
      types: [],
      priorities: [],
      fields: [],
      kinds: [],
      accounts: [],
      teams: [],
    };
    await desks.db.transaction((tx) => saveCatalogue(tx, 'acme', 2, catalogue));
    await desks.db.execute(sql`update catalogues set read_at = now() - interval '61 seconds' where version = 1`);
    assert.equal(await claim(), null);
    await desks.db.execute(sql`update catalogues set read_at = now() - interval '61 seconds'`);
    assert.deepEqual(await claim(), { version: 2 });
  });
});
