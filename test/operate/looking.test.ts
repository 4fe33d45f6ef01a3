// Read-only verbs: what they show to whom.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { exportLink } from '#operate/links/export.ts';
import { contactsOf } from '#operate/links/contact.ts';
import { linkStatus } from '#operate/links/status.ts';
import { invite } from '#operate/pairing/invite.ts';
import { pairingProgress } from '#operate/pairing/progress.ts';
import { status } from '#operate/status/status.ts';
import { trace } from '#operate/trace/trace.ts';
import { verify } from '#operate/verify/verify.ts';
import { somebody } from '#test/support/operator.ts';
import { assertSame, link, openWorkplace, plantPeerLink, type Workplace } from './workplace.ts';

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

test('a status shows who is in charge of some links those links, their instances and what waits on them', async () => {
  const all = await status(place.as(somebody('viewer')));
  assert.deepEqual(
    all.links.map(({ id }) => id),
    [link, 'far-link'],
  );
  const far = await status(place.as(somebody('viewer', ['far-link'])));
  assert.deepEqual(
    [far.links.map(({ id }) => id), far.instances.map(({ id }) => id), far.held.length],
    [['far-link'], ['acme', 'far-peer'], 0],
  );
  assert.equal((await status(place.as(somebody('viewer', [link])))).held.length, 1);
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

test('a ticket that is mirrored on a link out of reach has no timeline', async () => {
  assert.equal((await trace(place.as(somebody('viewer', [link])), 'acme', '1001')).mirrors.length, 1);
  await assert.rejects(() => trace(place.as(somebody('viewer', ['far-link'])), 'acme', '1001'), {
    code: 'unknown-ticket',
  });
  await assert.rejects(() => trace(place.as(somebody('viewer', [link])), 'acme', '1002'), { code: 'unknown-ticket' });
});

test('names and notes need a separate right', async () => {
  await assert.rejects(() => trace(place.as(somebody('viewer')), 'acme', '1001', { notes: true }), {
    code: 'not-allowed',
  });
  const shown = await trace(place.as(somebody('operator')), 'acme', '1001', { notes: true });
  assert.match(JSON.stringify(shown), /planted note of Dana/);
  assert.doesNotMatch(JSON.stringify(await trace(place.as(), 'acme', '1001')), /planted|Dana/);
});

test('an export is for those who may have everything of the link', async () => {
  const lines = async (operator: ReturnType<Workplace['as']>): Promise<number> =>
    (await Array.fromAsync(exportLink(operator, link))).length;
  assert.equal(await lines(place.as(somebody('admin', [link]))), 9);
  await assert.rejects(() => lines(place.as(somebody('operator'))), { code: 'not-allowed' });
});

test('without a role nothing is shown', async () => {
  const nobody = place.as(somebody(null));
  const looks: readonly (() => Promise<unknown>)[] = [
    () => status(nobody),
    () => linkStatus(nobody),
    () => trace(nobody, 'acme', '1001'),
    () => verify(nobody, 'acme', '1001'),
    () => pairingProgress(nobody, '019a0000-0000-7000-8000-000000000001'),
  ];
  for (const look of looks) await assert.rejects(look, { code: 'not-allowed', kind: 'forbidden' });
});
