import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { ticketRef } from '#core/words/ref.ts';
import type { Client } from '#db/base/client.ts';
import { eraseTrials, trialsOf } from '#db/operate/erase-trials.ts';
import { endTrial, forgetTrial, keepTrial, keptTrials, trialMarker } from '#db/operate/trials.ts';
import { placesOf, putMirror, snapshotOf, twoDesks, type TwoDesks } from '#test/db/mirrored.ts';

const record = {
  before: snapshotOf('1', { summary: 'SECRETWORD', requester: { name: 'Ursula', role: 'user' } }),
  ...{ known: ['1', '2'], statuses: ['open'], fields: ['Ref'], summary: true },
};

describe('a trial of `ferry check`', () => {
  let desks: TwoDesks;
  let db: Client;
  before(async () => {
    desks = await twoDesks('trials');
    ({ db } = desks);
  });
  beforeEach(async () => {
    await desks.connection.sql`truncate trials, mirrors, lanes`;
  });
  after(() => desks.close());

  const keep = (marker: string, mayTakeMs: number, of: typeof record = record): Promise<void> =>
    db.transaction((tx) => keepTrial(tx, 'acme', { ticket: '1', marker, record: of }, mayTakeMs));

  it('that was killed is found with all that is needed to clean up, by the newest of what it kept', async () => {
    await keep('first', 60_000);
    await keep('second', 60_000, { ...record, statuses: ['open', 'closed'] });
    const [kept, ...others] = await keptTrials(db, 'acme');
    assert.deepEqual(others, []);
    assert.ok(kept !== undefined && kept.leftMs > 0 && kept.leftMs <= 60_000);
    assert.deepEqual([kept.marker, kept.record], ['second', { ...record, statuses: ['open', 'closed'] }]);
    assert.deepEqual(await keptTrials(db, 'north'), []);
  });

  it('is forgotten or ended by itself alone, not by one that came before it on its ticket', async () => {
    await keep('second', 60_000);
    const of = (marker: string): { readonly ticket: string; readonly marker: string } => ({ ticket: '1', marker });
    await db.transaction((tx) => forgetTrial(tx, 'acme', of('first')));
    await db.transaction((tx) => endTrial(tx, 'acme', of('first')));
    assert.ok(((await keptTrials(db, 'acme'))[0]?.leftMs ?? 0) > 0);
    await db.transaction((tx) => endTrial(tx, 'acme', of('second')));
    assert.ok(((await keptTrials(db, 'acme'))[0]?.leftMs ?? 1) <= 0);
    await db.transaction((tx) => forgetTrial(tx, 'acme', of('second')));
    assert.deepEqual(await keptTrials(db, 'acme'), []);
  });

  it('has a marker of the form of those that Ferry writes, another one each time', async () => {
    const [one, two] = [await trialMarker(db), await trialMarker(db)];
    assert.match(one, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.notEqual(one, two);
  });

  it('keeps what it needs while it is under way; once it is over, an erasure takes the words and leaves the rest', async () => {
    await keep('first', 60_000);
    const meant = { kind: 'person', name: 'Ursula', mentions: false } as const;
    const [held] = await trialsOf(db, meant);
    assert.deepEqual(held, { instance: 'acme', ticket: '1', underWay: true });
    const erase = (): Promise<number> => db.transaction((tx) => eraseTrials(tx, held === undefined ? [] : [held]));
    assert.equal(await erase(), 0);
    await db.execute(sql`update trials set over_at = now() - interval '1 second'`);
    assert.equal(await erase(), 1);
    assert.deepEqual(await placesOf(desks.connection, 'SECRETWORD'), []);
    assert.deepEqual(await placesOf(desks.connection, 'Ursula'), []);
    const [kept] = await keptTrials(db, 'acme');
    assert.deepEqual([kept?.record.before.ticketId, kept?.record.known], ['1', ['1', '2']]);
    assert.deepEqual([await trialsOf(db, meant), await erase()], [[], 0]);
  });

  it('of a ticket is found by the ticket that it is mirrored with, too', async () => {
    await keep('first', 60_000);
    await putMirror(db);
    const of = (ref: ReturnType<typeof ticketRef>): ReturnType<typeof trialsOf> =>
      trialsOf(db, { kind: 'ticket', ref });
    assert.equal((await of(ticketRef('north', '9'))).length, 1);
    assert.equal((await of(ticketRef('acme', '1'))).length, 1);
    assert.equal((await of(ticketRef('north', '10'))).length, 0);
  });
});
