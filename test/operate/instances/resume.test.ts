import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { sql } from 'drizzle-orm';
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import type { Reading } from '#core/words/desk.ts';
import { resumeInstance, type ResumedInstance, type ResumeInstanceOptions } from '#operate/instances/resume.ts';
import type { DeskOperator } from '#operate/operator.ts';
import { quarantineInstance } from '#db/log/quarantine.ts';
import { first, snapshotOf } from '#test/db/mirrored.ts';
import { ids } from '#test/cli/log.ts';
import { somebody } from '#test/support/operator.ts';
import { assertSame, openWorkplace, type Workplace } from '#test/operate/workplace.ts';

let place: Workplace;
beforeEach(async () => {
  place = await openWorkplace();
  await quarantineInstance(place.db, 'acme', 'It went back.');
});
afterEach(() => place.close());

const kept: Reading = {
  kind: 'ticket',
  snapshot: snapshotOf('1001'),
  actions: [
    {
      ...{ externalId: '1', at: '2026-03-01T09:00:00.100Z', author: { name: 'Dana', role: 'agent' } },
      ...{ fingerprint: 'x', visibility: 'hidden', note: '<p>planted note of Dana</p>' },
      ...{ words: { kind: 'Escalate to MSP', fields: {} }, attachments: [] },
    },
  ],
};

/** A desk that shows this of every ticket, and reads its feed from then on. */
function showing(reading: Reading, actor = place.as().actor): DeskOperator {
  const helpdesk = {
    read: () => Promise.resolve(reading),
    feedStart: () => Promise.resolve('now'),
    feedFrom: (instant: string) => Promise.resolve(`from ${instant}`),
  } as unknown as Helpdesk;
  return { ...place.as(actor), open: () => Promise.resolve('{}'), deskOf: () => Promise.resolve(helpdesk) };
}
const resume = (reading: Reading, options: ResumeInstanceOptions = {}): Promise<ResumedInstance> =>
  resumeInstance(showing(reading), 'acme', options);
const state = (): Promise<unknown> =>
  first(
    place.db,
    sql`select i.quarantined_at is not null as quarantined, f.cursor, m.pause_reason as paused from instances i
      join feeds f on f.instance = i.id join mirrors m on m.id = ${ids.escalation} where i.id = 'acme'`,
  );

test('a desk that shows what is known continues, and its feed is read from the newest action that is still there', async () => {
  const { outcome, verified, paused } = await resume(kept);
  assert.deepEqual([outcome, verified.map(({ verdict }) => verdict), paused], ['resumed', ['same'], []]);
  assert.deepEqual(await state(), { quarantined: false, cursor: 'from 2026-03-01T09:00:00.100Z', paused: null });
  const row = (await place.audit()).at(-1);
  assert.deepEqual([row?.what, row?.subject, row?.detail['same']], ['instance-resume', 'instances/acme', 1]);
});

test('a ticket that has become another one, or is not there, stays paused when its desk continues', async () => {
  const { paused } = await resume({ ...kept, actions: [] });
  assert.deepEqual(paused, [ids.escalation]);
  assert.deepEqual(await state(), { quarantined: false, cursor: 'now', paused: 'desk-restored' });
});

test('a dry run changes nothing, nor does answering no, nor a person without the right', async () => {
  const start = await place.dump();
  assert.equal((await resume(kept, { dryRun: true })).outcome, 'dry-run');
  assert.equal((await resume(kept, { confirm: () => Promise.resolve(false) })).outcome, 'declined');
  for (const actor of [somebody('viewer'), somebody(null), somebody('operator', ['acme-northwind'])])
    await assert.rejects(resumeInstance(showing(kept, actor), 'acme'), { kind: 'forbidden' });
  assertSame(await place.dump(), start);
});

test('of two who do it at once one does, and the other is told', async () => {
  const both = await Promise.allSettled([resume(kept), resume(kept)]);
  const refused = both.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : []));
  assert.equal(refused.length, 1);
  assert.ok(['overtaken', 'not-quarantined'].includes(refused[0] ?? ''));
  assert.equal((await place.audit()).filter(({ what }) => what === 'instance-resume').length, 1);
});

test('an instance that is in no quarantine is said to be in none', async () => {
  await resume(kept);
  await assert.rejects(resume(kept), { code: 'not-quarantined' });
  await assert.rejects(resumeInstance(showing(kept), 'nowhere'), { code: 'unknown-instance' });
});
