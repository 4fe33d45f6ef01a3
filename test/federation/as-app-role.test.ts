/**
 * Ferry's daily work succeeds with a role that owns nothing: some files of the suite run again, connected to their
 * databases with the app's role.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roleVariable } from '#test/support/database.ts';
import { runOnceMore } from '#test/support/once-more.ts';

/** Carrying, pairing, exchanging, operating, tidying. */
const files = [
  'federation/basics',
  'cli/operate',
  'cli/apply',
  'cli/link',
  'cli/link-between',
  'db/carry/promise-writes',
  'db/exchange/receive-actions',
  'db/exchange/receive-receipts',
  'db/operate/retention',
];

test(
  'everything that gateways, workers and commands do all day, the role of the app may do',
  { timeout: 600_000 },
  async () => {
    const { code, out } = await runOnceMore(
      files.map((name) => `test/${name}.test.ts`),
      { [roleVariable]: 'app' },
    );
    assert.equal(code, 0, out.slice(-8_000));
  },
);
