import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { exportLink } from '#db/links/link-export.ts';
import { addLink } from '#test/federation/rig.ts';
import { putAction, putDelivery, putMirror, twoDesks, type TwoDesks } from '#test/db/mirrored.ts';

describe('the export of a link', () => {
  let desks: TwoDesks;
  before(async () => {
    desks = await twoDesks('link_export', { more: ['west'] });
    await addLink(desks.connection, 'acme-west', 'acme', 'west');
  });
  after(() => desks.close());

  it('has all that is of the link, page by page, each once, and nothing of another link', async () => {
    const { db } = desks;
    const mirror = await putMirror(db);
    const other = await putMirror(db, { link: 'acme-west', supplier: 'west' });
    const ours: string[] = [];
    // Over two pages of what is read at once.
    for (let n = 0; n < 401; n += 1) {
      const action = await putAction(db, { note: `<p>${n}</p>` });
      ours.push(action);
      await putDelivery(db, { mirror, action });
    }
    await putDelivery(db, { mirror: other, action: await putAction(db), to: 'west' });
    const lines: Record<string, unknown>[] = [];
    for await (const line of exportLink(db, 'acme-north')) lines.push(line);
    const of = (type: string): unknown[] => lines.filter((line) => line['type'] === type).map(({ id }) => id);
    assert.deepEqual(of('link'), ['acme-north']);
    assert.deepEqual(of('mirror'), [mirror]);
    assert.deepEqual(new Set(of('action')), new Set(ours));
    assert.equal(of('action').length, ours.length);
    assert.equal(new Set(of('delivery')).size, 401);
    assert.equal(lines.length, 1 + 1 + 401 + 401);
    assert.ok(!JSON.stringify(lines).includes('west'));
  });

  it('of no link is empty', async () => {
    const lines: unknown[] = [];
    for await (const line of exportLink(desks.db, 'nowhere')) lines.push(line);
    assert.deepEqual(lines, []);
  });
});
