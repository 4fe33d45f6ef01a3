import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { lintLinks } from '#operate/lint/lint.ts';
import { checkout } from '#test/support/process.ts';
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

test('somebody in charge of some links sees the findings of these alone, and without a role none', async () => {
  const seen = await lintLinks(place.as(somebody('admin', [link])));
  assert.deepEqual(
    seen.map((one) => one.link),
    [link],
  );
  await assert.rejects(lintLinks(place.as(somebody('admin', [link])), 'far-link'), { code: 'out-of-reach' });
  await assert.rejects(lintLinks(place.as(somebody(null))), { code: 'not-allowed' });
});

test('each finding has a place, a reason, a remedy, and a page that exists', async () => {
  const findings = (await lintLinks(place.as())).flatMap((one) => one.findings);
  assert.ok(findings.length > 0);
  for (const { place: at, why, fix, page } of findings) {
    assert.ok(at !== '' && why !== '' && fix !== '', page);
    assert.ok(existsSync(join(checkout, page)), page);
  }
});

test('a link that does not exist is refused', async () => {
  await assert.rejects(lintLinks(place.as(), 'nothing-like-it'), { kind: 'unknown' });
});
