/** One head carried to a desk over real HTTP: what is done where replies are lost, desks fail, and automations interfere. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { first } from '#test/db/mirrored.ts';
import { startDesks, type DeskRig } from '#test/activities/desk-rig.ts';
import { plainSide } from '#test/federation/rig.ts';
import { until } from '#test/support/wait.ts';

describe('a note that is carried', () => {
  let rig: DeskRig;
  let ticket: string;
  let far: string;
  before(async () => {
    rig = await startDesks('carry', { options: { settleMs: 100, writeTimeoutMs: 400 } });
    const strict = plainSide('supplier', { inbound: { actions: [], actionDefault: undefined } });
    await rig.db.execute(
      sql`insert into settings (side, version, settings, changed_by) values ('acme-north/supplier', 2, ${JSON.stringify(strict)}::jsonb, 'test')`,
    );
  });
  beforeEach(async () => {
    await rig.north.control({ clear: true, automation: null });
    await rig.connection.sql`update couriers set retry_at = null, failures = 0`;
    ({ ticket, far } = await rig.opened());
  });
  after(() => rig.close());

  const settings = (version: number): Promise<unknown> =>
    rig.db.execute(sql`update sides set settings_version = ${version} where id = 'acme-north/supplier'`);
  const say = async (note: string, more: Record<string, unknown> = {}): Promise<void> => {
    await rig.acme.note(ticket, `<p>${note}</p>`, more);
    await rig.read(rig.acme, ticket);
  };
  type End = { readonly outcome: string | null; readonly code: string | null; readonly tries: number };
  const last = async (): Promise<End | undefined> =>
    (
      await rows<End>(
        rig.db,
        sql`select d.outcome, d.reason->>'code' as code, d.attempts as tries from deliveries d join mirrors m on m.id = d.mirror
          where m.first_ticket = ${ticket} and d.to_instance = 'north' order by d.seq desc limit 1`,
      )
    )[0];
  /** Carries until the last delivery has ended or is held, whatever it waits for in between. */
  const carried = (): Promise<End> =>
    until(
      async () => {
        await rig.connection.sql`update couriers set retry_at = null`;
        await rig.db.execute(
          sql`update lanes set due_at = now() where due_at > now() and due_at < now() + interval '10 seconds'`,
        );
        await rig.drain(rig.north);
        const end = await last();
        return end !== undefined && (end.outcome !== null || end.code !== null) && end.code !== 'trouble'
          ? end
          : undefined;
      },
      { what: 'the delivery to end' },
    );
  const texts = (): (string | null)[] => rig.north.ticket(far).actions.map(({ note }) => note);
  const times = (text: string): number => texts().filter((note) => note?.includes(text)).length;

  it('is there once where the reply to it was lost, and what was made is adopted', async () => {
    await rig.north.fault({ on: 'action', kind: 'lose-reply', times: 1, noteHas: 'lost reply' });
    await say('lost reply');
    assert.equal((await carried()).outcome, 'applied');
    assert.equal(times('lost reply'), 1);
    assert.deepEqual(await first(rig.db, sql`select count(*)::int as n from writes where state = 'open'`), { n: 0 });
  });

  it('is written again from what was promised where it surely was not made', async () => {
    await rig.north.fault({ on: 'action', kind: 'hang', times: 1, noteHas: 'hung' });
    await say('hung');
    await rig.drain(rig.north);
    // Decided today, it would be refused.
    await settings(2);
    assert.equal((await carried()).outcome, 'applied');
    assert.equal(times('hung'), 1);
    await settings(1);
  });

  it('keeps its place where the desk says that it is not available, and what follows comes after it', async () => {
    await rig.north.fault({ on: 'action', kind: 'error', times: 2 });
    for (const text of ['one', 'two', 'three']) await say(text);
    assert.equal((await carried()).outcome, 'applied');
    assert.deepEqual(
      texts()
        .filter((note) => /one|two|three/.test(note ?? ''))
        .map((note) => /one|two|three/.exec(note ?? '')?.[0]),
      ['one', 'two', 'three'],
    );
  });

  it('is refused once, with the desk’s own words to its author, where the desk says no', async () => {
    await rig.north.fault({ on: 'action', kind: 'refuse', times: 1, noteHas: 'forbidden' });
    await say('forbidden');
    assert.deepEqual(await carried(), { outcome: 'refused', code: 'refused-by-desk', tries: 1 });
    assert.equal(times('forbidden'), 0);
    await rig.drain(rig.acme);
    const told = rig.acme.ticket(ticket).actions.at(-1);
    assert.match(told?.note ?? '', /the workflow does not allow this/);
    assert.equal(told?.visible, false);
  });

  it('has its status set once more where an automation of the desk undid it', async () => {
    await rig.north.control({ automation: { status: 'open', times: 1 } });
    await say('please wait', { status: 'waiting' });
    assert.equal((await carried()).outcome, 'applied');
    assert.equal(times('please wait'), 1);
    assert.equal(rig.north.ticket(far).status, 'waiting');
  });

  it('is held for somebody where an automation undoes its status again and again', async () => {
    await rig.north.control({ automation: { status: 'open' } });
    await say('no use', { status: 'waiting' });
    const { outcome, code } = await carried();
    assert.deepEqual([outcome, code], [null, 'not-taken']);
    assert.equal(times('no use'), 1);
    const told = sql`select count(*)::int as n from notices where cause like 'held/%/not-taken' and cleared_at is null`;
    assert.deepEqual(await first(rig.db, told), { n: 1 });
  });

  it('is written by one of two drains, and the one that was overtaken says nothing more', async () => {
    await rig.north.fault({ on: 'action', kind: 'delay', ms: 150, times: 1, noteHas: 'both' });
    await say('both');
    await Promise.all([rig.drain(rig.north), rig.drain(rig.north)]);
    assert.equal((await carried()).outcome, 'applied');
    assert.equal(times('both'), 1);
    assert.deepEqual(
      await first(
        rig.db,
        sql`select count(*)::int as n from attempts where result = 'applied' and delivery = (
        select d.id from deliveries d join mirrors m on m.id = d.mirror where m.first_ticket = ${ticket} and d.to_instance = 'north' order by d.seq desc limit 1)`,
      ),
      { n: 1 },
    );
  });

  it('brings along what people did there meanwhile, in the order of their desk', async () => {
    await say('hello');
    await rig.north.note(far, '<p>meanwhile</p>');
    assert.equal((await carried()).outcome, 'applied');
    await rig.drain(rig.acme);
    assert.ok(rig.acme.ticket(ticket).actions.some(({ note }) => note?.includes('meanwhile')));
    assert.equal(rig.acme.ticket(ticket).actions.filter(({ note }) => note?.includes('hello')).length, 1);
  });
});
