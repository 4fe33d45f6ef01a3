import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { markerOnce } from '#activities/carry/write-marker.ts';
import { must } from '#core/words/must.ts';
import { rows } from '#db/base/client.ts';
import { contextOf, contextQuery, type HeadRow } from '#db/carry/delivery-context.ts';
import { resumeLink } from '#operate/links/resume.ts';
import { status } from '#operate/status/status.ts';
import { testOperator } from '#test/support/operator.ts';
import type { Peers } from '#operate/operator.ts';
import type { Client } from '#db/base/client.ts';
import { never, until } from '#test/support/wait.ts';
import { count, shown } from './desk-notes.ts';
import { backUp, type Backup } from './restore.ts';
import { opened, startRig, type Rig, type RigDesk, type RigWorker } from './rig.ts';

/** A hub has no other gateway to ask. */
const peerOperator = (db: Client) => ({ ...testOperator(db), peers: {} as Peers });

/**
 * What is written is stored under the markers that earlier versions, which did not include the link, would have used.
 */
async function markAsOnce(db: Client, desks: readonly RigDesk[]): Promise<void> {
  const written = await rows<HeadRow & { readonly marker: string; readonly step: number }>(
    db,
    sql`select c.*, w.marker, w.step from writes w cross join lateral (${contextQuery(sql`select * from deliveries where id = w.delivery`)}) c`,
  );
  const markers = Object.fromEntries(
    written.map((row) => [row.marker, must(markerOnce(contextOf(row), row.step), 'an earlier marker')]),
  );
  assert.ok(Object.keys(markers).length > 8);
  for (const desk of desks) await desk.control({ markers });
}

/** Which of our writes a desk marks: all of them; only notes, with each change of status a separate action; or none. */
for (const [marks, version] of [
  ['all', 'this'],
  ['notes', 'this'],
  ['none', 'this'],
  ['all', 'an earlier'],
  ['notes', 'an earlier'],
] as const)
  describe(`a hub whose database is restored, with desks that mark ${marks} of what ${version} version of it writes`, () => {
    let rig: Rig;
    let acme: RigDesk;
    let north: RigDesk;
    let worker: RigWorker;
    let backup: Backup;
    let first: { ticket: string; far: string };
    let second: { ticket: string; far: string };
    const desks = (): unknown =>
      [acme, north].map(({ desk }) =>
        [...desk.tickets.values()].map(({ id, status: now, reference, actions }) => ({ id, now, reference, actions })),
      );
    const linkStates = async (): Promise<string[]> =>
      (await rows<{ state: string }>(rig.connection.db, sql`select state from links order by id`)).map(
        ({ state }) => state,
      );
    const openWrites = async (): Promise<number> =>
      (await rows(rig.connection.db, sql`select 1 as one from writes where state = 'open'`)).length;
    const carried = (from: RigDesk, ticket: string, text: string): Promise<number> =>
      shown(() => count(from, ticket, text) || undefined, `"${text}" at ${from.id}`);
    const resume = async (): Promise<void> => {
      for (const { id } of await rows<{ id: string }>(rig.connection.db, sql`select id from links order by id`))
        assert.equal((await resumeLink(peerOperator(rig.connection.db), id)).outcome, 'resumed');
    };

    /** The invariants cannot count what a desk does not mark. */
    const check = async (): Promise<void> => {
      if (marks === 'all' && version === 'this') await rig.check({ restored: true, mayWiden: true });
      else await rig.settled();
    };

    before(async () => {
      rig = await startRig(`hub_back_${marks}_${version === 'this' ? 'now' : 'once'}`);
      acme = await rig.desk('acme', { marks });
      north = await rig.desk('north', { marks });
      const open = { inbound: { actionDefault: 'Note' } };
      await rig.link('acme-north', 'acme', 'north', { customer: open, supplier: open });
      worker = await rig.startWorker();
      await rig.live();
      first = await opened(acme, north);
      await acme.note(first.ticket, '<p>before</p>', { status: 'waiting' });
      await carried(north, first.far, 'before');
      await rig.settled();
    });
    after(async () => {
      await rig.close();
      await backup.drop();
    });

    it('comes up with all its links in quarantine: one line and one notice each, and nothing is written', async () => {
      // Under way at the backup: written, and nobody has heard so.
      await north.fault({ on: 'action', kind: 'lose-reply', times: 1, noteHas: 'in flight' });
      await acme.note(first.ticket, '<p>in flight</p>');
      await carried(north, first.far, 'in flight');
      await until(async () => ((await openWrites()) > 0 ? true : undefined), { what: 'a write in doubt' });
      backup = await backUp({ rig });

      for (const text of ['n1', 'n2', 'n3']) await acme.note(first.ticket, `<p>${text}</p>`);
      await acme.note(first.ticket, '<p>with status</p>', { status: 'open' });
      await north.note(first.far, '<p>s1</p>');
      // The same words again are another note.
      await acme.note(first.ticket, '<p>n1</p>');
      await carried(acme, first.ticket, 's1');
      await shown(() => (count(north, first.far, 'n1') === 2 ? true : undefined), 'both n1');
      // A bare change of ours, and a person's over it.
      await acme.act(first.ticket, { kind: 'Note', status: 'waiting' });
      await shown(() => north.ticket(first.far).status === 'waiting' || undefined, 'the status at north');
      await rig.settled();
      await north.act(first.far, { kind: 'Note', status: 'open', author: 'Bob' });
      await shown(() => acme.ticket(first.ticket).status === 'open' || undefined, "Bob's status at acme");
      // A refusal, reported by a receipt.
      await acme.escalate(first.ticket);
      await shown(
        () => acme.ticket(first.ticket).actions.find(({ by, note }) => by === 'service' && note?.includes('already')),
        'the refusal at acme',
      );
      second = await opened(acme, north);
      await acme.note(second.ticket, '<p>m1</p>');
      await north.note(second.far, '<p>t1</p>');
      await carried(north, second.far, 'm1');
      await carried(acme, second.ticket, 't1');
      await rig.settled();
      await worker.stop();
      if (version === 'an earlier') await markAsOnce(rig.connection.db, [acme, north]);
      const unchanged = desks();

      await backup.restore();
      worker = await rig.startWorker();
      await shown(
        async () => (await linkStates()).every((state) => state === 'quarantined') || undefined,
        'quarantine',
      );
      const { links } = await status(peerOperator(rig.connection.db));
      assert.match(links[0]?.reason?.text ?? '', /quarantine/);
      const notices = await rows<{ cause: string }>(
        rig.connection.db,
        sql`select cause from notices where cleared_at is null and cause like 'link/%'`,
      );
      assert.deepEqual(
        notices.map(({ cause }) => cause),
        ['link/quarantined'],
      );
      await never(() => (JSON.stringify(desks()) === JSON.stringify(unchanged) ? undefined : true), {
        what: 'a write in quarantine',
        forMs: 4_000,
      });
    });

    it('is resumed: what it had written since the backup is found, nothing is doubled, and no ticket mentions it', async () => {
      const unchanged = JSON.stringify(desks());
      await resume();
      await rig.settled(60_000);
      await rig.settled(60_000);
      assert.deepEqual(JSON.parse(JSON.stringify(desks())), JSON.parse(unchanged));
      await check();
      assert.equal(north.desk.tickets.size, 2, 'no ticket is opened twice');
    });

    it('continues: what people write now is carried once, also on the pair that it had forgotten', async () => {
      await acme.note(first.ticket, '<p>after one</p>', { status: 'waiting' });
      await north.note(first.far, '<p>after two</p>');
      await acme.note(second.ticket, '<p>after three</p>');
      await north.note(second.far, '<p>after four</p>');
      await carried(north, first.far, 'after one');
      await carried(acme, first.ticket, 'after two');
      await carried(north, second.far, 'after three');
      await carried(acme, second.ticket, 'after four');
      await check();
      for (const [desk, ticket, text] of [
        [north, first.far, 'after one'],
        [acme, first.ticket, 'after two'],
        [north, second.far, 'after three'],
        [acme, second.ticket, 'after four'],
      ] as const)
        assert.equal(count(desk, ticket, text), 1, text);
    });
  });
