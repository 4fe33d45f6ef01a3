import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { resumeLink } from '#operate/links/resume.ts';
import type { Peers } from '#operate/operator.ts';
import { testOperator } from '#test/support/operator.ts';
import { never, until } from '#test/support/wait.ts';
import { count, shown } from './desk-notes.ts';
import { backUp, type Backup } from './restore.ts';
import { opened, startRig, type Rig, type RigDesk } from './rig.ts';

describe('a database that is restored under a running worker, as when a lagging replica takes over', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  let west: RigDesk;
  let backup: Backup | undefined;
  let first: { ticket: string; far: string };
  let further: string;
  const states = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      (await rows<{ id: string; state: string }>(rig.connection.db, sql`select id, state from links order by id`)).map(
        ({ id, state }) => [id, state],
      ),
    );
  const resume = async (link: string): Promise<void> => {
    await resumeLink({ ...testOperator(rig.connection.db), peers: {} as Peers }, link);
  };
  const desks = (): string => JSON.stringify([acme, north, west].map(({ desk }) => [...desk.tickets.values()]));
  before(async () => {
    rig = await startRig('under');
    [acme, north, west] = [await rig.desk('acme'), await rig.desk('north'), await rig.desk('west')];
    const visible = { inbound: { actions: [{ from: 'Note', to: 'Note', audience: 'user' }] } };
    const relaying = { ...visible, outbound: { actions: ['Note'], relay: 'all' } };
    await rig.link('acme-north', 'acme', 'north', { customer: visible, supplier: relaying });
    await rig.link('north-west', 'north', 'west', {
      customer: { ...visible, outbound: { actions: ['Note'], relay: 'all', escalates: { kind: 'Escalate' } } },
    });
    await rig.startWorker();
    await rig.live();
    first = await opened(acme, north);
    await north.escalate(first.far);
    further = await shown(() => north.ticket(first.far).reference ?? undefined, 'the ticket at west');
    await acme.note(first.ticket, '<p>before</p>');
    await shown(() => count(west, further, 'before') || undefined, '"before" at west');
    await rig.settled();
  });
  after(async () => {
    await rig.close();
    await backup?.drop();
  });

  it('is found out before anything more is carried: all links are quarantined, and nothing is written', async () => {
    backup = await backUp({ rig });
    await acme.note(first.ticket, '<p>down</p>');
    await west.note(further, '<p>up</p>');
    await shown(() => count(west, further, 'down') || undefined, '"down" at west');
    await shown(() => count(acme, first.ticket, 'up') || undefined, '"up" at acme');
    await rig.settled();
    // The database is checked once a second, before a write: what it is to miss must be older than a check, and the next
    // write later than a second after it (docs/left.md).
    const seen = async (): Promise<number> =>
      Number((await rows(rig.connection.db, sql`select max(beats) as beats from generations`))[0]?.['beats']);
    const before = await seen();
    await until(
      async () => {
        await acme.note(first.ticket, '<p>tick</p>');
        await rig.settled();
        return (await seen()) > before || undefined;
      },
      { what: 'a beat', timeoutMs: 60_000, everyMs: 200 },
    );
    const carried = desks();
    await never(() => desks() !== carried, { what: 'a write', forMs: 1_500 });
    await backup.restore();
    await acme.note(first.ticket, '<p>meanwhile</p>');
    await shown(
      async () => Object.values(await states()).every((state) => state === 'quarantined') || undefined,
      'quarantine',
    );
    assert.deepEqual(await states(), { 'acme-north': 'quarantined', 'north-west': 'quarantined' });
    const earlier = desks();
    await never(() => desks() !== earlier, { what: 'a write in quarantine', forMs: 3_000 });
    assert.equal(count(north, first.far, 'meanwhile'), 0);
  });

  it('continues link by link: what passes through a desk between two others waits for the second link, and arrives once', async () => {
    await resume('acme-north');
    await shown(() => count(north, first.far, 'meanwhile') || undefined, '"meanwhile" at north');
    await never(() => count(west, further, 'meanwhile') > 0, { what: 'a write on the link that rests', forMs: 1_500 });
    await resume('north-west');
    await shown(() => count(west, further, 'meanwhile') || undefined, '"meanwhile" at west');
    await west.note(further, '<p>after</p>');
    await shown(() => count(acme, first.ticket, 'after') || undefined, '"after" at acme');
    await rig.check({ restored: true, mayWiden: true });
    for (const text of ['before', 'down', 'up', 'meanwhile', 'after'])
      assert.deepEqual(
        [count(acme, first.ticket, text), count(north, first.far, text), count(west, further, text)],
        [1, 1, 1],
        text,
      );
    assert.deepEqual([north.desk.tickets.size, west.desk.tickets.size], [1, 1]);
  });
});
