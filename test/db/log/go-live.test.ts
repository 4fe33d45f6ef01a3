import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { ticketRef } from '#core/words/ref.ts';
import { rows } from '#db/base/client.ts';
import {
  emptyLog,
  logShown,
  noteOf,
  putAction,
  putDelivery,
  putMirror,
  twoDesks,
  type TwoDesks,
} from '#test/db/mirrored.ts';

/** The desk's clock was set back by more than it has been live. */
const backMs = 2 * 24 * 3_600_000;

describe('what a desk dates before its go-live', () => {
  let desks: TwoDesks;
  before(async () => {
    desks = await twoDesks('dated_back');
  });
  beforeEach(() => emptyLog(desks));
  after(() => desks.close());

  const opened = async (): Promise<void> => {
    const { db } = desks;
    const mirror = await putMirror(db);
    const delivery = await putDelivery(db, { mirror, action: await putAction(db), escalation: true });
    await db.execute(sql`update deliveries set outcome = 'applied', ended_at = now() where id = ${delivery}`);
    await db.execute(
      sql`insert into writes (delivery, step, instance, ticket, marker, fingerprints, deadline, promised_at, state)
        values (${delivery}, 0, 'north', '9', ${`${delivery}-0`}, '{}', now(), now(), 'settled')`,
    );
  };
  const read = async (desk: 'acme' | 'north', ids: readonly string[]): Promise<readonly unknown[]> => {
    const ticket = desk === 'acme' ? '1' : '9';
    const actions = ids.map((id, n) => noteOf(id, { at: new Date(Date.now() - backMs + n).toISOString() }));
    await logShown(desks.db, { actions, ids: 'count' }, ticketRef(desk, ticket));
    const logged = await rows<{ id: string }>(
      desks.db,
      sql`select a.external_id as id from deliveries d join actions a on a.id = d.action
        where a.instance = ${desk} and a.ticket = ${ticket} and d.to_instance <> ${desk} and not d.escalation order by d.seq`,
    );
    return logged.map(({ id }) => id);
  };

  it('is carried from a ticket that Ferry opened, because it was not there before', async () => {
    await opened();
    assert.deepEqual(await read('north', ['1', '2']), ['1', '2']);
  });

  it('is carried from there on a later read as well', async () => {
    await opened();
    await read('north', ['1']);
    assert.deepEqual(await read('north', ['1', '2']), ['1', '2']);
  });

  it('is not carried from a ticket that somebody else opened', async () => {
    await opened();
    assert.deepEqual(await read('acme', ['1', '2']), []);
  });

  it('is not carried from the ticket into which one that Ferry opened was merged', async () => {
    await opened();
    await desks.db.execute(sql`update mirrors set second_ticket = '10'`);
    const actions = [noteOf('1', { at: new Date(Date.now() - backMs).toISOString() })];
    await logShown(desks.db, { actions, ids: 'count' }, ticketRef('north', '10'));
    assert.deepEqual([...(await rows(desks.db, sql`select 1 as one from deliveries where not escalation`))], []);
  });
});
