import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { listAudit } from '#operate/audit/list.ts';
import { release } from '#operate/deliveries/release.ts';
import { retry } from '#operate/deliveries/retry.ts';
import { ids } from '#test/cli/log.ts';
import { somebody } from '#test/support/operator.ts';
import { openWorkplace, type Workplace } from '#test/operate/workplace.ts';

let place: Workplace;
before(async () => {
  place = await openWorkplace();
  await release(place.as(), ids.held);
  await retry(place.as(), 'acme');
});
after(() => place.close());

test('who is in charge of some links reads what concerns these, and a viewer nothing', async () => {
  const own = await listAudit(place.as(somebody('operator', ['acme-northwind'])));
  assert.ok(own.entries.length > 0 && own.entries.every(({ link }) => link === 'acme-northwind'));
  assert.deepEqual((await listAudit(place.as(somebody('operator', ['other'])))).entries, []);
  await assert.rejects(listAudit(place.as(somebody('operator', ['other'])), { link: 'acme-northwind' }), {
    code: 'out-of-reach',
  });
  await assert.rejects(listAudit(place.as(somebody('viewer'))), { code: 'not-allowed' });
});
