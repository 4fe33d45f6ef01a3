import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { until } from '#test/support/wait.ts';
import type { DeskFault } from '#twins/light/server.ts';
import { startRig, type Rig, type RigDesk } from './rig.ts';

describe('a ticket that cannot be read', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  before(async () => {
    rig = await startRig('unreadable');
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north');
    await rig.startWorker({ pollMs: 300 });
    await rig.live();
  });
  after(() => rig.close());

  /** A mirrored ticket at Acme, and what its mirror at North shows. */
  async function mirrored(): Promise<{ readonly near: string; readonly shows: (text: string) => boolean }> {
    const near = await acme.open();
    await acme.escalate(near);
    const far = await until(() => acme.ticket(near).reference ?? undefined, { what: 'the supplier reference' });
    return { near, shows: (text) => north.ticket(far).actions.some(({ note }) => note?.includes(text) === true) };
  }
  const feed = async (): Promise<string> => {
    const [row] = await rows<{ cursor: string }>(
      rig.connection.db,
      sql`select cursor from feeds where instance = 'acme'`,
    );
    return row?.cursor ?? '';
  };
  const waiting = (ticket: string): Promise<readonly { times: number }[]> =>
    rows(rig.connection.db, sql`select times from put_off where instance = 'acme' and ticket = ${ticket}`);
  const readNow = (): Promise<unknown> => rig.connection.db.execute(sql`update put_off set due_at = now()`);

  for (const kind of ['error', 'refuse'] as const satisfies readonly DeskFault['kind'][])
    it(`keeps no other ticket waiting, and is read when it can be again (${kind})`, async () => {
      const bad = await mirrored();
      const good = await mirrored();
      await acme.fault({ on: 'read', kind, times: 10_000, ticket: bad.near });
      const before = await feed();
      await acme.note(bad.near, `<p>unread ${kind}</p>`);
      await until(async () => ((await waiting(bad.near)).length > 0 ? true : undefined), {
        what: 'its turn to be put off',
      });
      await acme.note(good.near, `<p>beside ${kind}</p>`);
      await until(() => good.shows(`beside ${kind}`) || undefined, { what: 'the note of the other ticket' });
      await until(async () => ((await feed()) !== before ? true : undefined), { what: 'the feed to move on' });

      const [instance] = await rows<{ state: string }>(
        rig.connection.db,
        sql`select state from instances where id = 'acme'`,
      );
      assert.equal(instance?.state, 'up', 'the desk answers all the same');
      const [first] = await waiting(bad.near);
      await readNow();
      await until(async () => ((await waiting(bad.near))[0]?.times ?? 0) > (first?.times ?? 0) || undefined, {
        what: 'another look in vain',
      });
      assert.equal(bad.shows(`unread ${kind}`), false);

      await acme.control({ clear: true });
      await readNow();
      await until(() => bad.shows(`unread ${kind}`) || undefined, { what: 'the note that could not be read' });
      await until(async () => ((await waiting(bad.near)).length === 0 ? true : undefined), {
        what: 'nothing to be put off',
      });
      await rig.check();
    });
});
