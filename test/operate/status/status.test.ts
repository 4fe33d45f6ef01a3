import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status } from '#operate/status/status.ts';
import { somebody } from '#test/support/operator.ts';
import { assertSame, link, openWorkplace, plantPeerLink, type Workplace } from '#test/operate/workplace.ts';

let place: Workplace;
let start: string;
before(async () => {
  place = await openWorkplace();
  await plantPeerLink(place.db, 'far-link');
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
