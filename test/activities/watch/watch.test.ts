import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { ticketRef } from '#core/words/ref.ts';
import { addHints } from '#db/log/hint.ts';
import { first } from '#test/db/mirrored.ts';
import { startDesks, type DeskRig } from '#test/activities/desk-rig.ts';

describe('a watcher', () => {
  const started: DeskRig[] = [];
  let rig: DeskRig;
  beforeEach(async () => {
    rig = await startDesks('watch', { options: { concurrency: 2 } });
    started.push(rig);
    await rig.connection.sql`update feeds set next_poll_at = 'infinity' where instance = 'north'`;
    await rig.connection.sql`update instances set state = 'up'`;
  });
  after(async () => {
    for (const one of started) await one.close();
  });

  const feed = (): Promise<Record<string, unknown> | undefined> =>
    first(rig.db, sql`select cursor, failures, next_poll_at > now() as later from feeds where instance = 'acme'`);
  const known = async (ticket: string): Promise<boolean> =>
    (await first(rig.db, sql`select 1 as one from tickets where instance = 'acme' and external_id = ${ticket}`)) !==
    undefined;
  const state = async (): Promise<unknown> =>
    (await first(rig.db, sql`select state from instances where id = 'acme'`))?.['state'];
  /** It has met go-live, with its feed due. */
  const live = async (): Promise<void> => {
    await rig.watchUntil(async () => (await feed())?.['cursor'] !== null, 'go-live');
    await rig.connection.sql`update instances set live_since = now() - interval '1 day'`;
    await again();
  };
  const again = (): Promise<unknown> =>
    rig.db.execute(sql`update feeds set next_poll_at = now() where instance = 'acme'`);

  it('carries nothing that was there before its instance went live', async () => {
    await rig.connection.sql`update instances set live_since = null`;
    const ticket = await rig.acme.open();
    await rig.acme.escalate(ticket);
    await rig.watchUntil(async () => (await feed())?.['cursor'] !== null, 'go-live');
    await again();
    await rig.acme.note(ticket, '<p>Afterwards.</p>');
    await rig.watchUntil(() => known(ticket), 'the ticket to be read');
    assert.deepEqual(await first(rig.db, sql`select count(*)::int as mirrors from mirrors`), { mirrors: 0 });
  });

  it('reads what the feed names, and moves its cursor only behind what is logged', async () => {
    await live();
    const before = Number((await feed())?.['cursor']);
    const tickets = [await rig.acme.open(), await rig.acme.open(), await rig.acme.open()];
    for (const ticket of tickets) await rig.acme.escalate(ticket);
    await rig.watchUntil(async () => Number((await feed())?.['cursor']) > before, 'the cursor to move');
    for (const ticket of tickets) assert.ok(await known(ticket), `${ticket} is behind the cursor and not logged`);
    assert.deepEqual(await first(rig.db, sql`select count(*)::int as mirrors from mirrors`), { mirrors: 3 });
  });

  it('leaves the cursor where it is while the desk is down, says so once, and loses nothing', async () => {
    await live();
    const ticket = await rig.acme.open();
    await rig.acme.escalate(ticket);
    const { cursor } = (await feed()) ?? {};
    await rig.acme.desk.pause();
    await rig.watchUntil(async () => (await state()) === 'down', 'the instance to be down');
    assert.deepEqual([(await feed())?.['cursor'], (await feed())?.['later']], [cursor, true]);
    await rig.acme.desk.resume();
    await again();
    await rig.watchUntil(() => known(ticket), 'the ticket to be read');
    assert.equal(await state(), 'up');
    assert.equal((await feed())?.['failures'], 0);
  });

  it('lets one ticket that cannot be read wait for itself, and reads the others', async () => {
    await live();
    const [bad, good] = [await rig.acme.open(), await rig.acme.open()];
    for (const ticket of [bad, good]) await rig.acme.escalate(ticket);
    await rig.acme.fault({ on: 'read', kind: 'error', times: 1_000, ticket: bad });
    const before = Number((await feed())?.['cursor']);
    await rig.watchUntil(async () => Number((await feed())?.['cursor']) > before, 'the cursor to move');
    assert.deepEqual([await known(good), await known(bad), await state()], [true, false, 'up']);
    const waits = sql`select ticket, due_at > now() as later from put_off where instance = 'acme'`;
    assert.deepEqual(await first(rig.db, waits), { ticket: bad, later: true });
    await rig.acme.control({ clear: true });
    await rig.db.execute(sql`update put_off set due_at = now()`);
    await rig.watchUntil(() => known(bad), 'the other ticket to be read');
    await rig.watchUntil(async () => (await first(rig.db, waits)) === undefined, 'it to wait no longer');
  });

  it('reads nothing more of a desk that went back to a backup, and says so', async () => {
    await rig.acme.control({ backup: true });
    await rig.acme.open();
    await live();
    await rig.acme.control({ restore: true });
    const quarantined = sql`select quarantined_at is not null as quarantined from instances where id = 'acme'`;
    await rig.watchUntil(async () => (await first(rig.db, quarantined))?.['quarantined'], 'the quarantine');
    assert.deepEqual(await first(rig.db, sql`select link, cause from notices`), {
      link: 'acme-north',
      cause: 'restored/acme',
    });
    const ticket = await rig.acme.open();
    await addHints(rig.db, [ticketRef('acme', ticket), ticketRef('north', 'none')]);
    await rig.watchUntil(
      async () => (await first(rig.db, sql`select 1 as one from hints where instance = 'north'`)) === undefined,
      'the other hint to be followed',
    );
    assert.equal(await known(ticket), false);
  });

  it('reads at once what a hint names, though nobody has asked the feed', async () => {
    await live();
    await rig.db.execute(sql`update feeds set next_poll_at = 'infinity'`);
    const ticket = await rig.acme.open();
    await rig.acme.escalate(ticket);
    await addHints(rig.db, [ticketRef('acme', ticket)]);
    await rig.watchUntil(() => known(ticket), 'the ticket to be read');
    assert.deepEqual(await first(rig.db, sql`select count(*)::int as mirrors from mirrors`), { mirrors: 1 });
  });
});
