import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { first } from '#test/db/mirrored.ts';
import { startDesks, type DeskRig } from '#test/activities/desk-rig.ts';

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

describe('a read of a ticket', () => {
  let rig: DeskRig;
  before(async () => {
    rig = await startDesks('observe');
  });
  after(() => rig.close());

  const logged = async (ticket: string): Promise<string[]> =>
    (
      await rows<{ id: string }>(
        rig.db,
        sql`select external_id as id from actions where instance = 'acme' and ticket = ${ticket} order by id`,
      )
    ).map(({ id }) => id);

  it('by several at once logs each action once, in the order of its desk', async () => {
    const ticket = await rig.acme.open();
    await rig.acme.escalate(ticket);
    for (let n = 0; n < 5; n += 1) await rig.acme.note(ticket, `<p>${n}</p>`);
    await Promise.all(Array.from({ length: 4 }, () => rig.read(rig.acme, ticket)));
    assert.deepEqual(await logged(ticket), ['1', '2', '3', '4', '5', '6']);
    const seqs = await first(
      rig.db,
      sql`select array_agg(d.seq::int order by d.seq) as seqs, array_agg(a.external_id order by d.seq) as ids
        from deliveries d join actions a on a.id = d.action where a.ticket = ${ticket} and d.to_instance = 'north'`,
    );
    assert.deepEqual(seqs, { seqs: [1, 2, 3, 4, 5, 6], ids: ['1', '2', '3', '4', '5', '6'] });
  });

  it('that shows nothing new changes nothing', async () => {
    const { ticket } = await rig.opened();
    const state = (): Promise<unknown> =>
      first(
        rig.db,
        sql`select (select count(*) from actions)::int as actions, (select count(*) from deliveries)::int as deliveries,
          (select count(*) from written_ids)::int as ours`,
      );
    const was = await state();
    await rig.read(rig.acme, ticket);
    await rig.read(rig.acme, ticket);
    assert.deepEqual(await state(), was);
  });

  it('keeps no text of a ticket that nobody has escalated', async () => {
    const ticket = await rig.acme.open('Secret matter');
    await rig.acme.note(ticket, '<p>Secret word</p>');
    await rig.read(rig.acme, ticket);
    assert.deepEqual(await logged(ticket), ['1']);
    assert.deepEqual(
      await first(
        rig.db,
        sql`select a.note, a.words, a.author, a.reason, t.snapshot from actions a
          join tickets t on t.instance = a.instance and t.external_id = a.ticket where a.ticket = ${ticket}`,
      ),
      { note: null, words: null, author: null, reason: 'no-mirror', snapshot: null },
    );
  });

  it('takes a picture out of the text of its note, into the store, under its own name', async () => {
    const { ticket } = await rig.opened();
    await rig.acme.note(ticket, `<p>Look: <img src="data:image/png;base64,${pixel}"></p>`);
    await rig.read(rig.acme, ticket);
    const row = await first(
      rig.db,
      sql`select note, attachments->0->>'sha256' as sha256, jsonb_array_length(attachments) as files from actions
        where ticket = ${ticket} order by id desc limit 1`,
    );
    assert.equal(row?.['files'], 1);
    assert.match(String(row?.['note']), /src="cid:/);
    assert.ok(!String(row?.['note']).includes(pixel));
    const chunks: Buffer[] = [];
    for await (const chunk of rig.blobs.open(String(row?.['sha256']))) chunks.push(chunk as Buffer);
    assert.equal(Buffer.concat(chunks).toString('base64'), pixel);
  });

  it('of a ticket that its desk deleted closes the mirror and tells the other desk', async () => {
    const { ticket, far } = await rig.opened();
    await rig.north.control({ remove: far });
    await rig.read(rig.north, far);
    assert.deepEqual(
      await first(rig.db, sql`select state, close_reason as why from mirrors where first_ticket = ${ticket}`),
      { state: 'closed', why: 'gone' },
    );
    await rig.drain(rig.acme);
    const last = rig.acme.ticket(ticket).actions.at(-1);
    assert.equal(last?.by, 'service');
    assert.equal(last?.visible, false, 'it is for the agents');
    await rig.north.control({ unremove: far });
    await rig.read(rig.north, far);
    assert.deepEqual(
      await first(rig.db, sql`select state, close_reason as why from mirrors where first_ticket = ${ticket}`),
      { state: 'open', why: null },
    );
  });

  it('of a ticket that we may not see now closes nothing: it is looked for again', async () => {
    const { ticket, far } = await rig.opened();
    await rig.north.control({ hide: far });
    await rig.read(rig.north, far);
    assert.deepEqual(await first(rig.db, sql`select state from mirrors where first_ticket = ${ticket}`), {
      state: 'open',
    });
    const again = sql`select count(*)::int as n, min(due_at) > now() as later from put_off where ticket = ${far}`;
    assert.deepEqual(await first(rig.db, again), { n: 1, later: true });
  });
});
