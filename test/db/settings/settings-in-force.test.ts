import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { plainSide } from '#test/federation/rig.ts';
import { twoDesks, type TwoDesks } from '#test/db/mirrored.ts';

describe('settings that a process has read', () => {
  let desks: TwoDesks;
  before(async () => {
    desks = await twoDesks('settings_in_force');
  });
  after(() => desks.close());

  const put = (side: string, version: number, settings: unknown): Promise<unknown> =>
    desks.db.execute(
      sql`insert into settings (side, version, settings, changed_by) values (${side}, ${version}, ${JSON.stringify(settings)}::jsonb, 'test')`,
    );

  it('are the version that is asked for, whatever came after', async () => {
    const cache = createVersionCache();
    const before = plainSide('customer');
    const later = { ...before, outbound: { ...before.outbound, relay: 'all' as const } };
    await put('acme-north/customer', 2, later);
    const asked = (version: number): Promise<unknown> => cache.side(desks.db, 'acme-north/customer', version);
    assert.deepEqual([await asked(1), await asked(2), await asked(1)], [before, later, before]);
    assert.equal(await asked(2), await asked(2), 'it is read once');
  });

  it('are kept once where many sides have the same', async () => {
    const cache = createVersionCache();
    for (const side of ['one/customer', 'two/customer']) await put(side, 1, plainSide('customer'));
    const [one, two] = await Promise.all(['one/customer', 'two/customer'].map((side) => cache.side(desks.db, side, 1)));
    assert.equal(one, two);
  });

  it('are read again once others have taken their place, so that a process keeps no more than it may', async () => {
    const cache = createVersionCache(2, 2);
    for (let n = 1; n <= 4; n += 1)
      await put(`many-${n}/customer`, 1, plainSide('customer', { account: { name: `A ${n}` } }));
    const name = async (n: number): Promise<string> =>
      (await cache.side(desks.db, `many-${n}/customer`, 1)).account.name;
    for (const n of [1, 2, 3, 4, 1, 2]) assert.equal(await name(n), `A ${n}`);
  });

  it('that are missing are said to be missing, and nothing else is taken for them', async () => {
    const cache = createVersionCache();
    await assert.rejects(cache.side(desks.db, 'acme-north/customer', 99), /acme-north\/customer@99 are missing/);
    await assert.rejects(cache.catalogue(desks.db, 'acme', 99), /acme@99 is missing/);
    assert.deepEqual((await cache.catalogue(desks.db, 'acme', 0)).statuses, []);
  });
});
