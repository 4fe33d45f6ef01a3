import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ferry } from './run.ts';

const lines: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>, number, RegExp])[] = [
  [
    'no database that answers',
    ['status', '--database', 'postgres://u:planted@127.0.0.1:1/x'],
    {},
    69,
    /the database can't be reached \(ECONNREFUSED\)/,
  ],
  ['a wrong URL', ['status', '--database', 'mysql://planted@h/x'], {}, 78, /DATABASE_URL cannot be used/],
  [
    'no database named',
    ['status', '--data', '/nonexistent'],
    { DATABASE_URL: '' },
    78,
    /no database is named, and no Ferry is running on \/nonexistent;/,
  ],
  ['a file that is not there', ['apply', 'missing.yaml'], {}, 64, /missing\.yaml can't be read \(ENOENT\)/],
  ['a wrong key', ['apply', 'run.ts'], { FERRY_SECRET_KEY: 'planted-short' }, 78, /FERRY_SECRET_KEY cannot be used/],
  ['an unknown command', ['stats'], {}, 64, /unknown command 'stats'/],
  ['a missing argument', ['trace', 'acme'], {}, 64, /missing required argument 'ticket'/],
];
for (const [name, args, change, code, words] of lines) {
  test(`${name} is one clear line and exit code ${code}`, async () => {
    const ran = await ferry(args, { env: { DATABASE_URL: 'postgres://u:planted@127.0.0.1:1/x', ...change } });
    assert.equal(ran.code, code, ran.err);
    assert.match(ran.err, words);
    assert.doesNotMatch(ran.err + ran.out, /planted|\n\s+at /);
  });
}

test('the Ferry that runs here is found when nothing else is named, and only its own key goes with its database', async () => {
  const running = {
    databaseUrl: 'postgres://ferry:planted@127.0.0.1:1/ferry',
    secretKey: Buffer.alloc(32).toString('base64'),
    temporalAddress: '127.0.0.1:2',
    allowAddresses: [],
  };
  const found = { env: {}, findRunning: () => Promise.resolve(running) };
  const ran = await ferry(['apply', 'run.ts'], found);
  assert.equal(ran.code, 69, 'it got as far as the database');
  const other = await ferry(['apply', 'run.ts', '--database', 'postgres://ferry@127.0.0.1:1/other'], found);
  assert.equal(other.code, 78);
  assert.match(other.err, /FERRY_SECRET_KEY/);
});
