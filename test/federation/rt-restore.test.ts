import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { resumeLink } from '#operate/links/resume.ts';
import type { Peers } from '#operate/operator.ts';
import { testOperator } from '#test/support/operator.ts';
import { rtSkip } from '#test/real/rt.ts';
import { until } from '#test/support/wait.ts';
import { startDeskRig, type DeskRig } from './desk-rig.ts';
import { backUp, type Backup } from './restore.ts';
import type { RtDesk } from './rt-desk.ts';
import { startRtPair, type Mirrored, type RtPair } from './rt-pair.ts';

/** RT marks notes and tickets; each bare change of status or fields is a transaction that says nothing but its value. */
describe('two real Request Trackers of one gateway whose database is restored', { skip: rtSkip }, () => {
  let rig: DeskRig;
  let pair: RtPair;
  let acme: RtDesk;
  let north: RtDesk;
  let worker: { stop(): Promise<void> };
  let backup: Backup | undefined;
  let one: Mirrored;
  let two: Mirrored;
  const nextSecond = (): Promise<unknown> => {
    const begun = Math.floor(Date.now() / 1_000);
    return until(() => Math.floor(Date.now() / 1_000) > begun, { what: 'the next second' });
  };
  before(async () => {
    rig = await startDeskRig('rt_back');
    pair = await startRtPair(rig);
    ({ acme, north } = pair);
    await pair.link();
    worker = await rig.startWorker();
    await rig.live();
    await nextSecond();
    one = await pair.escalated();
    await north.reply(one.far, '<p>before</p>');
    await acme.note(one.ticket, 'before');
    await rig.settled();
    await pair.quiet();
  });
  after(async () => {
    await rig.close();
    await backup?.drop();
  });

  /** Everything in the histories of both. */
  const histories = (): unknown =>
    [acme, north].map(({ database }) =>
      database.tickets().map(({ id, status, fields, done }) => ({
        id,
        status,
        fields,
        done: done.map(({ type, by, field, to, text }) => ({ type, by, field, to, text })),
      })),
    );
  const state = async (): Promise<string | undefined> =>
    (await rows<{ state: string }>(rig.connection.db, sql`select state from links`))[0]?.state;

  it('finds notes by their marks and bare changes by value and history: nothing is written again, nothing is lost', async () => {
    const url = rig.env['DATABASE_URL'] ?? '';
    backup = await backUp({ rig: { database: { name: new URL(url).pathname.slice(1), url } } });

    await north.reply(one.far, '<p>n1</p>');
    await acme.note(one.ticket, 'n1');
    await north.change(one.far, { Status: 'stalled' }, { Serial: 'P-9' });
    await acme.shows(
      one.ticket,
      'what north changed',
      ({ fields, status }) => fields['Asset'] === 'P-9' && status === 'open',
    );
    await rig.settled();
    // Somebody overwrites our value with another one.
    await nextSecond();
    await acme.change(one.ticket, {}, { Asset: 'LT-1' });
    await north.shows(one.far, 'what acme changed', ({ fields }) => fields['Serial'] === 'LT-1');
    await acme.reply(one.ticket, '<p>a1</p>');
    await north.note(one.far, 'a1');
    two = await pair.escalated();
    await north.reply(two.far, '<p>n2</p>');
    await acme.note(two.ticket, 'n2');
    await rig.settled();
    await pair.quiet();
    await worker.stop();
    const earlier = histories();

    await backup.restore();
    const restored = new Date().toISOString();
    worker = await rig.startWorker();
    await until(async () => (await state()) === 'quarantined', { what: 'quarantine' });
    await until(
      async () =>
        (await rows(rig.connection.db, sql`select 1 as one from feeds where read_at is null or read_at < ${restored}`))
          .length === 0,
      { what: 'both to be read' },
    );
    await pair.quiet();
    assert.deepEqual(histories(), earlier, 'nothing is written in quarantine');

    const resumed = await resumeLink({ ...testOperator(rig.connection.db), peers: {} as Peers }, 'acme-northwind');
    assert.ok(resumed.looked.deliveries > 0);
    await rig.settled();
    await pair.quiet();
    await rig.settled();
    assert.deepEqual(histories(), earlier, 'nor after it');
  });

  it('continues on both pairs', async () => {
    await north.reply(two.far, '<p>n3</p>');
    await acme.note(two.ticket, 'n3');
    await acme.reply(one.ticket, '<p>a3</p>');
    await north.note(one.far, 'a3');
    await north.change(one.far, {}, { Serial: 'P-10' });
    await acme.shows(one.ticket, 'what north changed', ({ fields }) => fields['Asset'] === 'P-10');
    await rig.settled();
    for (const [desk, ticket, text] of [
      [acme, two.ticket, 'n3'],
      [north, one.far, 'a3'],
    ] as const)
      assert.equal(desk.ticket(ticket).done.filter((done) => done.text.includes(text)).length, 1, text);
  });
});
