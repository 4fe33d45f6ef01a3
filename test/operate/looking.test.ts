// Read-only verbs.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { linkStatus } from '#operate/links/status.ts';
import { pairingProgress } from '#operate/pairing/progress.ts';
import { status } from '#operate/status/status.ts';
import { trace } from '#operate/trace/trace.ts';
import { verify } from '#operate/verify/verify.ts';
import { somebody } from '#test/support/operator.ts';
import { openWorkplace } from './workplace.ts';

test('without a role nothing is shown', async () => {
  const place = await openWorkplace();
  after(() => place.close());
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
