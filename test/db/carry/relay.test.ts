import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import type { Command } from '#core/words/vocabulary.ts';
import { rows, type Client } from '#db/base/client.ts';
import { lockKnown, placeDeliveries } from '#db/log/place-deliveries.ts';
import { addLink } from '#test/federation/rig.ts';
import {
  emptyLog,
  putAction,
  putDelivery,
  putMirror,
  somebodyWaits,
  twoDesks,
  type TwoDesks,
} from '#test/db/mirrored.ts';
import { endAt, endHead, contextAt } from './end-head.ts';

/** Applied at north, in north's words. */
const command: Command = {
  ...{ ticketId: '9', kind: 'Note', note: '<p>Help.</p>', visibility: 'visible', mailsUser: false },
  ...{ author: { display: 'Ann (Acme)' }, at: new Date().toISOString(), status: 'waiting' },
  ...{ fields: { Ref: 'R-1' }, attachments: [] },
};

describe('what was applied at a desk between two others', () => {
  let desks: TwoDesks;
  let db: Client;
  /** The mirror that it came down, and north's further one. */
  let here: string;
  let further: string;
  before(async () => {
    desks = await twoDesks('relay', { more: ['west', 'east'] });
    ({ db } = desks);
    const relays = { customer: { outbound: { relay: 'all' } } };
    await addLink(desks.connection, 'north-west', 'north', 'west', relays);
    await addLink(desks.connection, 'north-east', 'north', 'east');
    await addLink(desks.connection, 'acme-west', 'acme', 'west');
  });
  beforeEach(async () => {
    await emptyLog(desks);
    here = await putMirror(db);
    further = await putMirror(db, {
      ...{ link: 'north-west', customer: 'north', supplier: 'west', first: '9', second: '5' },
    });
  });
  after(() => desks.close());

  /** Applies a note of acme at north. */
  const applied = async (via: readonly string[] = ['acme']): Promise<readonly string[]> => {
    await putDelivery(db, { mirror: here, action: await putAction(db, { via }) });
    return (await endHead(db, { mirror: here, to: 'north' }, { command })).wake;
  };
  const arrived = async (to: string): Promise<unknown[]> => [
    ...(await rows(
      db,
      sql`select kind, via, words, outcome, reason->>'code' as code from deliveries where to_instance = ${to} order by mirror, seq`,
    )),
  ];

  it('travels on to its further mirror in its own words, with that desk in its way', async () => {
    assert.deepEqual(await applied(), ['west']);
    assert.deepEqual(await arrived('west'), [
      {
        ...{ kind: 'action', via: ['acme', 'north'], outcome: null, code: null },
        words: { kind: 'Note', status: 'waiting', fields: { Ref: 'R-1' } },
      },
    ]);
  });

  it('is not relayed unless the settings of that link say so', async () => {
    await putMirror(db, { link: 'north-east', customer: 'north', supplier: 'east', first: '9', second: '3' });
    assert.deepEqual(await applied(), ['west']);
    assert.deepEqual(await arrived('east'), []);
  });

  it('never goes to an instance that it has passed', async () => {
    assert.deepEqual(await applied(['west', 'acme']), []);
    assert.deepEqual(await arrived('west'), []);
  });

  it('does not go where the mirror or its link has ended', async () => {
    await db.execute(sql`update mirrors set state = 'closed', close_reason = 'done' where id = ${further}`);
    assert.deepEqual(await applied(), []);
    await db.execute(sql`update mirrors set state = 'open' where id = ${further}`);
    await db.execute(sql`update links set state = 'closing' where id = 'north-west'`);
    assert.deepEqual(await applied(), []);
    assert.deepEqual(await arrived('west'), []);
  });

  it('does not travel on where it was skipped or refused', async () => {
    for (const outcome of ['skipped', 'refused'] as const) {
      await putDelivery(db, { mirror: here, action: await putAction(db) });
      await endHead(db, { mirror: here, to: 'north' }, { outcome, command });
    }
    assert.deepEqual(await arrived('west'), []);
  });

  it('reaches a ticket once, though it is brought there by another way at the same moment', async () => {
    const direct = await putMirror(db, {
      ...{ link: 'acme-west', customer: 'acme', supplier: 'west', first: '2', second: '5' },
    });
    const action = await putAction(db);
    await putDelivery(db, { mirror: here, action });
    const context = await contextAt(db, { mirror: here, to: 'north' });
    let relaying: ReturnType<typeof endAt> | undefined;
    await db.transaction(async (tx) => {
      await lockKnown(tx, [action]);
      await placeDeliveries(tx, { mirror: direct, to: 'west' }, [{ action }], { desk: 'west' });
      relaying = endAt(db, context, { command });
      relaying.catch(() => {});
      await somebodyWaits(db);
    });
    await relaying;
    const [one, other, ...more] = await rows<{ kind: string; outcome: string | null; code: string | null }>(
      db,
      sql`select kind, outcome, reason->>'code' as code from deliveries where to_instance = 'west' order by kind`,
    );
    assert.deepEqual(
      [one, other, more],
      [{ kind: 'action', outcome: null, code: null }, { kind: 'copy', outcome: 'skipped', code: 'already-there' }, []],
    );
  });
});
