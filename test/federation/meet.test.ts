import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { until } from '#test/support/wait.ts';
import { count } from './desk-notes.ts';
import { opened, startRig, type Rig, type RigDesk, type RigWorker } from './rig.ts';

describe('what both sides have changed before they met', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  let lossy: { acme: RigDesk; north: RigDesk };
  let worker: RigWorker;
  before(async () => {
    rig = await startRig('meet');
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north');
    lossy = { acme: await rig.desk('la'), north: await rig.desk('ln') };
    // Waiting and closed there are waiting here; nothing here becomes closed there.
    const statuses = [
      { from: 'open', to: 'open' },
      { from: 'waiting', to: 'waiting' },
      { from: 'closed', to: 'waiting' },
    ];
    await rig.link('lossy', 'la', 'ln', { customer: { inbound: { statuses } }, supplier: { inbound: { statuses } } });
    worker = await rig.startWorker();
    await rig.live();
  });
  after(() => rig.close());

  const standing = (desk: RigDesk, ticket: string): string =>
    `${desk.ticket(ticket).status}/${String(desk.ticket(ticket).fields['Ref'])}`;
  const losses = (desk: RigDesk, ticket: string): number => count(desk, ticket, 'did not take effect');
  const away = async (meanwhile: () => Promise<unknown>): Promise<void> => {
    await rig.settled();
    await worker.stop();
    await meanwhile();
    worker = await rig.startWorker();
    await rig.settled(60_000);
  };

  for (const newest of ['acme', 'north'] as const) {
    it(`is as ${newest} has it, which is newer, at both desks; who lost it can read so on the ticket`, async () => {
      const { ticket, far } = await opened(acme, north);
      const changes = {
        acme: () => acme.act(ticket, { note: '<p>a</p>', status: 'waiting', fields: { Ref: 'A' } }),
        north: () => north.act(far, { note: '<p>b</p>', status: 'closed', fields: { Ref: 'B' }, author: 'Bob' }),
      };
      await away(async () => {
        await changes[newest === 'acme' ? 'north' : 'acme']();
        await changes[newest]();
      });
      const wanted = newest === 'acme' ? 'waiting/A' : 'closed/B';
      assert.equal(standing(acme, ticket), wanted);
      assert.equal(standing(north, far), wanted);
      assert.equal(count(acme, ticket, '<p>b</p>'), 1, 'the note itself arrives');
      assert.equal(count(north, far, '<p>a</p>'), 1, 'the note itself arrives');
      assert.equal(losses(acme, ticket), newest === 'acme' ? 0 : 1);
      assert.equal(losses(north, far), newest === 'north' ? 0 : 1);
      const drops = await rows<{ to: string; codes: string[] }>(
        rig.connection.db,
        sql`select to_instance as "to", (select array_agg(r->>'code') from jsonb_array_elements(drops) r) as codes
          from deliveries where mirror = (select id from mirrors where first_ticket = ${ticket} and link = 'acme-north') and drops is not null`,
      );
      assert.deepEqual(
        drops.map(({ to, codes }) => `${to} ${codes.join(' ')}`),
        [`${newest} overtaken overtaken`],
      );
    });
  }

  it('is the newest of a lossy map’s values, mapped, and no third one', async () => {
    const { ticket, far } = await opened(lossy.acme, lossy.north);
    await away(async () => {
      await lossy.acme.act(ticket, { note: '<p>a</p>', status: 'waiting' });
      await lossy.north.act(far, { note: '<p>b</p>', status: 'closed' });
    });
    assert.equal(lossy.north.ticket(far).status, 'closed');
    assert.equal(lossy.acme.ticket(ticket).status, 'waiting');
    assert.equal(losses(lossy.acme, ticket), 1);
    await lossy.acme.act(ticket, { note: '<p>again</p>', status: 'open' });
    await until(() => (lossy.north.ticket(far).status === 'open' ? true : undefined), {
      what: 'the answer',
      timeoutMs: 60_000,
    });
  });

  it('a person’s change right after our write stays, whichever process reads it first', async () => {
    const { ticket, far } = await opened(acme, north);
    await rig.settled();
    await north.fault({ on: 'action', kind: 'slow-reply', ms: 900, times: 1, noteHas: 'waiting for you' });
    await acme.act(ticket, { note: '<p>waiting for you</p>', status: 'waiting' });
    await until(() => (north.ticket(far).status === 'waiting' ? true : undefined), {
      what: 'our write',
      timeoutMs: 60_000,
    });
    await north.act(far, { author: 'Bob', note: '<p>I am on it</p>', status: 'closed' });
    await until(() => (acme.ticket(ticket).status === 'closed' ? true : undefined), {
      what: 'his status',
      timeoutMs: 60_000,
    });
    await rig.settled();
    assert.equal(north.ticket(far).status, 'closed');
    assert.equal(
      north.ticket(far).actions.filter(({ by, status }) => by === 'service' && status !== undefined).length,
      1,
    );
    assert.equal(losses(acme, ticket), 0, 'he has answered it');
  });

  it('a person’s newer change that our write has covered is set again', async () => {
    const { ticket, far } = await opened(acme, north);
    await rig.settled();
    await north.fault({ on: 'action', kind: 'delay', ms: 900, times: 1, noteHas: 'covers' });
    await acme.act(ticket, { note: '<p>covers</p>', status: 'waiting', fields: { Ref: 'A' } });
    await until(
      async () =>
        (
          await rows(
            rig.connection.db,
            sql`select 1 from writes where state = 'open' and ticket = ${far} and instance = 'north'`,
          )
        )[0],
      { what: 'the promise', timeoutMs: 60_000 },
    );
    await north.act(far, { author: 'Bob', note: '<p>mine</p>', status: 'closed', fields: { Ref: 'B' } });
    await until(() => (acme.ticket(ticket).status === 'closed' ? true : undefined), {
      what: 'his status',
      timeoutMs: 60_000,
    });
    await rig.settled();
    assert.equal(standing(north, far), 'closed/B');
    assert.equal(standing(acme, ticket), 'closed/B');
    assert.equal(losses(acme, ticket), 1);
  });

  it('a value that was already set when last read, and no longer is, is set', async () => {
    const { ticket, far } = await opened(acme, north);
    await away(async () => {
      await north.act(far, { author: 'Bob', note: '<p>b</p>', status: 'waiting' });
      await acme.act(ticket, { note: null, status: 'open' });
    });
    assert.equal(acme.ticket(ticket).status, north.ticket(far).status);
    assert.equal(north.ticket(far).status, 'open');
  });
});
