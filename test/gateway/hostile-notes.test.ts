// Notes of peers that cost a careless reader its event loop: read apart, before anything is locked.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { createTexts, type Texts } from '#text-worker/texts.ts';
import { escalation } from '#test/db/exchange/receive-rig.ts';
import { signedBy, startApiRig, type ApiRig } from './api-rig.ts';

describe('a note of a peer', () => {
  let rig: ApiRig;
  const asked: number[] = [];
  /** Locks that this gateway's transactions held when a note was read. */
  const held: number[] = [];
  const real = createTexts();
  const texts: Texts = {
    ...real,
    html: async (html, images) => {
      asked.push(html.length);
      const [locks] = await rows<{ n: number }>(
        rig.connection.db,
        sql`select count(*)::int as n from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`,
      );
      held.push(locks?.n ?? -1);
      return real.html(html, images);
    },
  };
  before(async () => {
    rig = await startApiRig('hostile', { federation: { texts } });
  });
  after(async () => {
    await rig.close();
    await real.close();
  });

  it('is read before the transaction, by a reader that delays nobody, and the result is stored', async () => {
    const opening = escalation({ ticket: '1' });
    const note = '<p><li>'.repeat(30_000);
    const action = await signedBy({ ...opening, constant: { ...opening.constant, note } }, rig.origins.acme);
    const sending = rig.call('POST', '/v1/supplier/tickets', { json: { action } });
    let answers = 0;
    let done = false;
    void sending.then(() => (done = true));
    while (!done) {
      const reply = await fetch(`${rig.url}/healthz`);
      assert.equal(reply.status, 200);
      answers += 1;
    }
    assert.equal((await sending).status, 200);
    assert.ok(answers > 1, 'others are answered meanwhile');
    assert.deepEqual([asked, held], [[note.length], [0]]);
    const [stored] = await rows<{ note: string }>(
      rig.connection.db,
      sql`select note from actions where id = ${action.constant.id}`,
    );
    assert.equal(stored?.note, await real.html(note, []));
  });

  it('is read again for a dry run, of which nothing stays', async () => {
    const opening = escalation({ ticket: '2' });
    const action = await signedBy(
      { ...opening, constant: { ...opening.constant, note: '<h5>a</h5>b' } },
      rig.origins.acme,
    );
    const reply = await rig.call('POST', '/v1/supplier/tickets?dryRun=true', { json: { action } });
    assert.equal(reply.status, 200, reply.text);
    const decisions = reply.body['decisions'] as readonly { verdict: string }[];
    assert.equal(decisions.length, 1);
    const stored = await rows(rig.connection.db, sql`select 1 from actions where id = ${action.constant.id}`);
    assert.equal(stored.length, 0);
  });
});
