import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { contactsOf } from '#operate/links/contact.ts';
import { exportLink } from '#operate/links/export.ts';
import { linkStatus } from '#operate/links/status.ts';
import { invite } from '#operate/pairing/invite.ts';
import { somebody } from '#test/support/operator.ts';
import { assertSame, link, openWorkplace, plantPeerLink, type Workplace } from '#test/operate/workplace.ts';

let place: Workplace;
let start: string;
before(async () => {
  place = await openWorkplace();
  await plantPeerLink(place.db, 'far-link');
  await invite(place.as(), { side: 'customer', instance: 'acme', link: 'open-link', contact: null });
  start = await place.dump();
});
after(async () => {
  assertSame(await place.dump(), start);
  await place.close();
});

test('links and invitations out of reach are not shown, and look the same as links that do not exist', async () => {
  const ben = place.as(somebody('viewer', [link]));
  const seen = await linkStatus(ben);
  assert.deepEqual([seen.links.map(({ id }) => id), seen.invitations.length], [[link], 0]);
  assert.equal((await linkStatus(place.as())).invitations.length, 1);
  for (const id of ['far-link', 'nothing-like-it']) {
    await assert.rejects(() => linkStatus(ben, id), { code: 'out-of-reach' });
    await assert.rejects(() => contactsOf(ben, id), { code: 'out-of-reach' });
  }
});

test('an export is for those who may have everything of the link', async () => {
  const lines = async (operator: ReturnType<Workplace['as']>): Promise<number> =>
    (await Array.fromAsync(exportLink(operator, link))).length;
  assert.equal(await lines(place.as(somebody('admin', [link]))), 9);
  await assert.rejects(() => lines(place.as(somebody('operator'))), { code: 'not-allowed' });
});
