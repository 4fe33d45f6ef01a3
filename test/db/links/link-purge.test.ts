import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows, type Client } from '#db/base/client.ts';
import { promiseWrite } from '#db/carry/writes.ts';
import { beginDrain } from '#db/carry/couriers.ts';
import { purgeUploads } from '#db/exchange/uploads.ts';
import { purgeLink } from '#db/links/link-purge.ts';
import { putReceipt } from '#db/log/receipts.ts';
import { reason } from '#core/words/reasons.ts';
import { addLink } from '#test/federation/rig.ts';
import {
  first,
  placesOf,
  putAction,
  putDelivery,
  putMirror,
  snapshotOf,
  twoDesks,
  type TwoDesks,
} from '#test/db/mirrored.ts';

const secret = 'SECRETWORD';
const digest = 'a'.repeat(64);
/** Where it is for as long as the link is. */
const kept = [
  ...['actions.note', 'actions.words', 'attachments.id', 'deliveries.receipt', 'tickets.snapshot', 'writes.plan'],
];

describe('a link that is purged', () => {
  const opened: TwoDesks[] = [];
  let desks: TwoDesks;
  let db: Client;
  let mirror: string;
  beforeEach(async () => {
    desks = await twoDesks('link_purge', { more: ['west'] });
    opened.push(desks);
    ({ db } = desks);
    await addLink(desks.connection, 'acme-west', 'acme', 'west');
    mirror = await putMirror(db);
    await carried(mirror, 'north');
    await db.execute(sql`update links set state = 'closed'`);
  });
  after(async () => {
    for (const one of opened) await one.close();
  });

  /** A note with a file and a snapshot of both tickets, of which the other desk was asked a write. Returns the action. */
  const carried = async (on: string, to: string): Promise<string> => {
    const words = { kind: 'Note', fields: { x: secret } };
    const action = await putAction(db, { note: secret, words });
    const delivery = await putDelivery(db, { mirror: on, action, to });
    const epoch = await beginDrain(db, to);
    await promiseWrite(db, {
      ...{ delivery, step: 0, instance: to, entity: 'ticket', epoch, ticket: '9', marker: delivery },
      ...{ fingerprints: [], plan: { command: { note: secret } } as never, timeoutMs: 1_000 },
    });
    const why = reason('refused-by-desk', { desk: to, detail: secret });
    const receipt = {
      outcome: 'refused',
      reason: why,
      farNumber: null,
      farUrl: null,
      farName: to,
      escalation: false,
    } as const;
    const said = { author: { name: secret, role: 'agent' }, at: new Date().toISOString(), kind: null } as const;
    await putReceipt(db, { mirror: on, to: 'acme', action, receipt: { ...receipt, action: said } });
    await db.execute(
      sql`insert into attachments (action, id, sha256, size_bytes) values (${action}, ${secret}, ${digest}, 5)`,
    );
    await db.execute(sql`insert into attempts (delivery, duration_ms, result) values (${delivery}, 1, 'retry')`);
    for (const [instance, ticket] of [
      ['acme', '1'],
      [to, '9'],
    ] as const)
      await db.execute(
        sql`insert into tickets (instance, external_id, snapshot) values (${instance}, ${ticket}, ${JSON.stringify(snapshotOf(ticket, { description: secret }))}::jsonb)
          on conflict do nothing`,
      );
    return action;
  };
  const purge = (link = 'acme-north'): ReturnType<typeof purgeLink> => db.transaction((tx) => purgeLink(tx, link));

  it('leaves nothing of what was said, at neither of its tickets, and nothing that names it', async () => {
    assert.deepEqual(await placesOf(desks.connection, secret), kept);
    assert.deepEqual(await purge(), { mirrors: 1, actions: 1, files: 1 });
    assert.deepEqual(await placesOf(desks.connection, secret), []);
    assert.deepEqual(await placesOf(desks.connection, mirror), []);
    // The file waits under its name for the next tidying.
    assert.deepEqual(await placesOf(desks.connection, 'acme-north'), ['uploads.link']);
    assert.equal(await purge(), null, 'there is no such link any more');
  });

  it('gives its files to the next tidying, unless something else has them', async () => {
    await purge();
    assert.deepEqual(await purgeUploads(db), [digest]);
    assert.deepEqual([...(await rows(db, sql`select sha256 from unused_files`))], [{ sha256: digest }]);
  });

  it('has ended before; until then nothing is purged', async () => {
    for (const state of ['active', 'suspended', 'quarantined', 'closing', 'pairing']) {
      await db.execute(sql`update links set state = ${state} where id = 'acme-north'`);
      assert.equal(await purge(), null);
    }
    assert.equal(await purge('no-such-link'), null);
    assert.deepEqual(await placesOf(desks.connection, secret), kept);
  });

  it('takes nothing from another link of the same ticket', async () => {
    const other = await putMirror(db, { link: 'acme-west', supplier: 'west' });
    const [shared] = await rows<{ id: string }>(db, sql`select id from actions`);
    assert.ok(shared !== undefined);
    await putDelivery(db, { mirror: other, action: shared.id, to: 'west' });
    assert.deepEqual(await purge(), { mirrors: 1, actions: 0, files: 0 });
    assert.deepEqual(
      await first(
        db,
        sql`select (select note from actions where id = ${shared.id}) as note, (select count(*)::int from attachments) as files,
          (select snapshot->>'description' from tickets where instance = 'acme') as shown,
          (select snapshot from tickets where instance = 'north') as far,
          (select count(*)::int from deliveries where mirror = ${other}) as deliveries`,
      ),
      { note: secret, files: 1, shown: secret, far: null, deliveries: 1 },
    );
  });

  it('takes along who stood for its other side, if no other link needs them', async () => {
    await db.execute(sql`update instances set type = 'peer' where id in ('north', 'west')`);
    await addLink(desks.connection, 'acme-north-2', 'acme', 'north');
    const known = async (): Promise<unknown> =>
      (await rows(db, sql`select id from instances order by id`)).map(({ id }) => id);
    await purge();
    assert.deepEqual(await known(), ['acme', 'north', 'west']);
    await db.execute(sql`update links set state = 'closed' where id in ('acme-west', 'acme-north-2')`);
    await purge('acme-north-2');
    assert.deepEqual(await known(), ['acme', 'west']);
    await purge('acme-west');
    assert.deepEqual(await known(), ['acme'], 'a desk that this gateway drives stays');
  });
});
