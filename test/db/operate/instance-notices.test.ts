import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { claimUnannounced } from '#db/base/notices.ts';
import { noticeInstances } from '#db/operate/instance-notices.ts';
import { noticeLines } from '#db/operate/notice-lines.ts';
import { twoDesks, type TwoDesks } from '#test/db/mirrored.ts';

describe('an instance that stays away', () => {
  let desks: TwoDesks;
  before(async () => {
    desks = await twoDesks('instance_notices');
  });
  after(() => desks.close());

  const told = async (): Promise<unknown[]> =>
    (await noticeLines(desks.db, await claimUnannounced(desks.db, 10))).map(({ link, reason, instance, cleared }) => [
      ...[link, reason, instance, cleared],
    ]);
  const is = (state: string): Promise<unknown> =>
    desks.db.execute(
      sql`update instances set state = ${state}, state_since = now() - interval '61 seconds' where id = 'north'`,
    );

  it('raises one notice after its time, although several processes look, and one more when it is back', async () => {
    await is('down');
    await noticeInstances(desks.db, 120_000);
    assert.deepEqual(await told(), []);
    await Promise.all([1, 2, 3].map(() => noticeInstances(desks.db, 60_000)));
    assert.deepEqual((await Promise.all([told(), told()])).flat(), [['acme-north', 'instance', 'north', false]]);
    await noticeInstances(desks.db, 60_000);
    assert.deepEqual(await told(), []);
    await is('up');
    await noticeInstances(desks.db, 60_000);
    assert.deepEqual(await told(), [['acme-north', 'instance', 'north', true]]);
    assert.deepEqual(await told(), []);
  });
});
