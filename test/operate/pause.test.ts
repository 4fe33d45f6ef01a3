// A link that is paused until a time resumes then without help.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { loadStatus } from '#db/operate/status.ts';
import { endPauses } from '#db/operate/end-pauses.ts';
import { linkStandings } from '#db/links/link-status.ts';
import { pauseLink } from '#operate/links/pause.ts';
import { resumeLink } from '#operate/links/resume.ts';
import { suspendLink } from '#operate/links/suspend.ts';
import { somebody } from '#test/support/operator.ts';
import { assertSame, link, openWorkplace, type Workplace } from './workplace.ts';

let place: Workplace;
beforeEach(async () => {
  place = await openWorkplace();
});
afterEach(() => place.close());

const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();
const hour = 3_600_000;
const pause = (until = inMs(hour), why = 'New disks.'): Promise<void> => pauseLink(place.as(), link, { until, why });
const standing = async () => {
  const [found] = await linkStandings(place.db, link);
  assert.ok(found);
  return found;
};
/** As if its time were over. */
const over = (): Promise<unknown> =>
  place.db.execute(sql`update links set suspended_until = now() - interval '1 second' where id = ${link}`);

test('a paused link carries nothing, and status says who paused it, why and until when', async () => {
  const until = inMs(hour);
  await pause(until);
  const { state, suspendedBy, suspendedUntil, reason } = await standing();
  assert.deepEqual([state, suspendedBy, suspendedUntil], ['suspended', 'Ann Lee', until]);
  assert.match(reason?.text ?? '', /is paused until \d{4}-\d\d-\d\d \d\d:\d\d UTC.*New disks\./);
  assert.doesNotMatch(reason?.text ?? '', /Ann/, 'the other side is told why, not who');
  const [shown] = (await loadStatus(place.db)).links;
  assert.deepEqual([shown?.state, shown?.suspended_by, shown?.suspended_until], ['suspended', 'Ann Lee', until]);
});

test('it resumes without help once its time is over, not before, and the audit records on whose account', async () => {
  await pause();
  await place.db.execute(sql`update lanes set due_at = 'infinity' where link = ${link} and due_at is not null`);
  assert.deepEqual(await endPauses(place.db), []);
  assert.equal((await standing()).state, 'suspended');
  await over();
  const ended = await endPauses(place.db);
  assert.deepEqual(
    ended.map(({ wake, ...one }) => ({ ...one, wake: [...wake].toSorted() })),
    [{ link, by: 'Ann Lee', wake: ['acme', 'northwind'] }],
  );
  const { state, suspendedBy, suspendedUntil } = await standing();
  assert.deepEqual([state, suspendedBy, suspendedUntil], ['active', null, null]);
  const parked = await rows(place.db, sql`select 1 as one from lanes where link = ${link} and due_at = 'infinity'`);
  assert.equal(parked.length, 0, 'what waited for it is due');
  const audited = (await place.audit()).at(-1);
  assert.deepEqual([audited?.by, audited?.what, audited?.detail['pausedBy']], ['ferry', 'link-active', 'Ann Lee']);
  const start = await place.dump();
  assert.deepEqual(await endPauses(place.db), []);
  assertSame(await place.dump(), start);
});

test('two workers that find a pause over at the same time end it once', async () => {
  await pause();
  await over();
  const both = await Promise.all([endPauses(place.db), endPauses(place.db)]);
  assert.equal(both.flat().length, 1);
  assert.equal((await place.audit()).filter(({ what }) => what === 'link-active').length, 1);
});

test('a pause is put off or shortened by pausing again, and both are in the audit', async () => {
  const [first, second] = [inMs(hour), inMs(3 * hour)];
  await pause(first);
  await pause(second, 'The disks are late.');
  assert.equal((await standing()).suspendedUntil, second);
  const audited = (await place.audit()).filter(({ what }) => what === 'link-paused');
  assert.deepEqual(
    audited.map(({ detail }) => [detail['from'], detail['until'], detail['untilBefore'] ?? null, detail['why']]),
    [
      ['active', first, null, 'New disks.'],
      ['suspended', second, first, 'The disks are late.'],
    ],
  );
});

test('what is suspended without an end stays so, and a link that is resumed or quarantined meanwhile is left alone', async () => {
  await suspendLink(place.as(), link, 'Audit week.');
  assert.deepEqual([(await standing()).suspendedBy, (await standing()).suspendedUntil], [null, null]);
  assert.deepEqual(await endPauses(place.db), []);
  await pause();
  await resumeLink(place.as(), link);
  assert.deepEqual([(await standing()).state, (await standing()).suspendedUntil], ['active', null]);
  await pause();
  await over();
  await place.db.execute(sql`update links set state = 'quarantined' where id = ${link}`);
  assert.deepEqual(await endPauses(place.db), []);
  assert.equal((await standing()).state, 'quarantined');
});

test('a pause that could not be meant is refused with what to do, and changes nothing', async () => {
  const start = await place.dump();
  const codes: readonly (readonly [() => Promise<unknown>, string])[] = [
    [() => pause(inMs(-1)), 'not-ahead'],
    [() => pause('soon'), 'not-ahead'],
    [() => pause(inMs(91 * 24 * hour)), 'too-long'],
    [() => pause(inMs(hour), '  '), 'no-reason'],
    [() => pause(inMs(hour), 'x'.repeat(501)), 'no-reason'],
    [() => pauseLink(place.as(), 'acme', { until: inMs(hour), why: 'x' }), 'unknown-link'],
    [() => pauseLink(place.as(somebody('viewer')), link, { until: inMs(hour), why: 'x' }), 'not-allowed'],
    [() => pauseLink(place.as(somebody('operator', ['other'])), link, { until: inMs(hour), why: 'x' }), 'out-of-reach'],
  ];
  for (const [run, code] of codes) await assert.rejects(run, { code });
  assertSame(await place.dump(), start);
  await place.db.execute(sql`update links set state = 'closed' where id = ${link}`);
  await assert.rejects(() => pause(), { code: 'not-active' });
});
