import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { never, until } from '#test/support/wait.ts';
import { linkState, pair, startOrganisation, type Organisation } from './organisations.ts';
import type { RigDesk } from './rig.ts';

const plain = { inbound: { actions: [{ from: 'Note', to: 'Note', audience: 'user' }] } };

describe('the life of a link between two organisations', () => {
  let acme: Organisation;
  let north: Organisation;
  let link: string;
  let ticket: string;
  let far: string;
  before(async () => {
    [acme, north] = await Promise.all([startOrganisation('acme', 'life'), startOrganisation('north', 'life')]);
    link = await pair(acme, north, { customer: plain });
    ticket = await acme.desk.open();
    await acme.desk.escalate(ticket);
    far = await until(() => acme.desk.ticket(ticket).reference, { what: 'the far number', timeoutMs: 60_000 });
  });
  after(async () => {
    await acme?.close();
    await north?.close();
  });

  const count = (desk: RigDesk, id: string, text: string): number =>
    desk.ticket(id).actions.filter(({ note }) => note?.includes(text)).length;

  it('waits while one side has suspended it, shows that at both, and continues when it is resumed', async () => {
    assert.equal((await north.ferry('link', 'suspend', link, '--because', 'Audit.')).code, 0);
    await acme.desk.note(ticket, '<p>while suspended</p>');
    await north.desk.note(far, '<p>back while suspended</p>');
    await until(
      async () => {
        const [row] = await rows(
          acme.rig.connection.db,
          sql`select reason->>'code' as code from deliveries where outcome is null and to_instance = 'north-peer' order by id desc limit 1`,
        );
        return row?.['code'] === 'link-suspended';
      },
      { what: 'the sender to know why it waits', timeoutMs: 60_000 },
    );
    await never(() => count(north.desk, far, 'while suspended') > 1 || count(acme.desk, ticket, 'back while') > 0, {
      what: 'a note to pass a suspended link',
      forMs: 1_500,
    });
    assert.equal((await north.ferry('link', 'resume', link)).code, 0);
    // It would ask again within a minute.
    assert.equal((await acme.ferry('retry', 'north-peer')).code, 0);
    await until(
      () => count(north.desk, far, '>while suspended') === 1 && count(acme.desk, ticket, 'back while') === 1,
      {
        what: 'both notes to arrive',
        timeoutMs: 60_000,
      },
    );
  });

  it('ends at both sides: the last note is on both tickets, and nothing more is carried', async () => {
    const closed = await acme.ferry('link', 'close', link, '--because', 'The contract ends.');
    assert.equal(closed.code, 0, closed.err);
    assert.match(closed.out, /The other side has ended its half\./);
    await until(async () => (await linkState(acme, link)) === 'closed' && (await linkState(north, link)) === 'closed', {
      what: 'both halves to be closed',
      timeoutMs: 30_000,
    });
    for (const [desk, id] of [
      [acme.desk, ticket],
      [north.desk, far],
    ] as const) {
      const told = desk.ticket(id).actions.filter(({ note }) => note?.includes('has ended'));
      assert.equal(told.length, 1);
      assert.equal(told[0]?.visible, false);
      assert.match(told[0]?.note ?? '', /The contract ends\./);
    }
    await acme.desk.note(ticket, '<p>after the end</p>');
    await never(() => count(north.desk, far, 'after the end') > 0, {
      what: 'a note to pass an ended link',
      forMs: 2_000,
    });
  });

  it('leaves an export and, once purged, nothing', async () => {
    const exported = await acme.ferry('link', 'export', link);
    assert.match(exported.out, /"type":"action".*>while suspended/);
    assert.equal((await acme.ferry('link', 'purge', link, '--yes')).code, 0);
    const [left] = await rows(
      acme.rig.connection.db,
      sql`select (select count(*) from mirrors)::int as mirrors, (select count(*) from links)::int as links,
        (select count(*) from instances)::int as instances`,
    );
    assert.deepEqual(left, { mirrors: 0, links: 0, instances: 1 });
  });

  it('may start again under the same name', async () => {
    assert.equal((await north.ferry('link', 'purge', link, '--yes')).code, 0);
    assert.equal(await pair(acme, north, { customer: plain }), link);
    await acme.desk.escalate(ticket);
    await until(() => acme.desk.ticket(ticket).reference !== far && acme.desk.ticket(ticket).reference !== null, {
      what: 'the new far number',
      timeoutMs: 30_000,
    });
  });
});
