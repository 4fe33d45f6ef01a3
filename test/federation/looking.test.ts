import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { sealSecret } from '#config/secrets.ts';
import { credentialsContext } from '#activities/desk/desks.ts';
import { rows } from '#db/base/client.ts';
import { until } from '#test/support/wait.ts';
import { startRig, type Rig, type RigDesk } from './rig.ts';

type State = { readonly state: string; readonly reason: string | null };

describe('any obstacle to reading an instance is shown as its state, with a reason', () => {
  let rig: Rig;
  let acme: RigDesk;
  before(async () => {
    rig = await startRig('looking');
    acme = await rig.desk('acme');
    await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north');
    await rig.startWorker({ pollMs: 300 });
    await rig.live();
  });
  after(() => rig.close());

  const becomes = (state: string, about: RegExp | null): Promise<State> =>
    until(
      async () => {
        const [found] = await rows<State>(
          rig.connection.db,
          sql`select state, state_reason as reason from instances where id = 'acme'`,
        );
        const isSo =
          found?.state === state && (about === null ? found.reason === null : about.test(found.reason ?? ''));
        return isSo ? found : undefined;
      },
      { what: `acme to be ${state}`, timeoutMs: 90_000 },
    );
  const isUpAgain = async (): Promise<void> => {
    await rig.connection.db.execute(sql`update feeds set next_poll_at = now(), failures = 0`);
    await becomes('up', null);
  };

  for (const kind of ['refuse', 'error', 'gone'] as const)
    it(`when the desk answers the look with ${kind}`, async () => {
      await isUpAgain();
      await acme.fault({ on: 'any', kind, times: 10_000 });
      const { reason } = await becomes('down', /./);
      assert.ok((reason ?? '').length > 10);
      await acme.control({ clear: true });
      await isUpAgain();
    });

  it('when its secrets were sealed with another key, which is named', async () => {
    await isUpAgain();
    const set = (sealed: string) =>
      rig.connection.db.execute(
        sql`update instances set credentials = ${sealed}, version = version + 1 where id = 'acme'`,
      );
    const [before] = await rows<{ sealed: string }>(
      rig.connection.db,
      sql`select credentials as sealed from instances where id = 'acme'`,
    );
    await set(await sealSecret('{}', credentialsContext('acme'), randomBytes(32)));
    const { reason } = await becomes('key', /sealed with the key \S+, which FERRY_SECRET_KEY does not contain/);
    assert.doesNotMatch(reason ?? '', /eyJ/);
    await set(before?.sealed ?? '');
    await isUpAgain();
  });

  it('when the stored address is not a valid one', async () => {
    await isUpAgain();
    const [found] = await rows<{ url: string }>(rig.connection.db, sql`select url from instances where id = 'acme'`);
    await rig.connection.db.execute(sql`update instances set url = 'no url', version = version + 1 where id = 'acme'`);
    await becomes('down', /URL/);
    await rig.connection.db.execute(
      sql`update instances set url = ${found?.url ?? ''}, version = version + 1 where id = 'acme'`,
    );
    await isUpAgain();
  });
});
