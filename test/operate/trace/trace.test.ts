import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { trace } from '#operate/trace/trace.ts';
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
