// Guessing: ten failed attempts a minute for a client from an address, and nobody else notices.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { network } from '#gateway/limits/network.ts';
import { createFailures } from '#gateway/oauth/failures.ts';
import { basic, grant, newClient, postForm, startRig, tokenOf } from './oauth-rig.ts';
import type { Rig } from './oauth-rig.ts';

let rig: Rig;
let address = '192.0.2.1';
before(async () => {
  rig = await startRig({ addressOf: () => address });
});
after(() => rig.close());

test('of 100 wrong secrets in a minute the first ten are 401 and the others 429 with Retry-After, whatever address a header names', async () => {
  const client = await newClient(rig);
  const statuses: number[] = [];
  for (let at = 0; at < 100; at += 1) {
    const reply = await postForm(rig, '/oauth/token', grant, {
      authorization: basic({ id: client.id, secret: `wrong-${at}` }),
      'x-forwarded-for': `203.0.113.${at}`,
    });
    statuses.push(reply.status);
    if (reply.status !== 429) continue;
    const wait = Number(reply.headers.get('retry-after'));
    assert.ok(wait >= 1 && wait <= 60, `Retry-After ${wait}`);
  }
  assert.deepEqual([statuses.slice(0, 10), statuses.slice(10)], [Array(10).fill(401), Array(90).fill(429)]);
  const right = { authorization: basic(client) };
  assert.equal((await postForm(rig, '/oauth/token', grant, right)).status, 429, 'from the same address');
  assert.equal((await postForm(rig, '/oauth/revoke', { token: 'x' }, right)).status, 429, 'at the other endpoint');

  address = '192.0.2.2';
  await tokenOf(rig, client);
  address = '192.0.2.1';
  await tokenOf(rig, await newClient(rig));
  rig.skew = 61;
  await tokenOf(rig, client);
  rig.skew = 0;
});

test('a hundred wrong secrets at the same time are ten failures and 90 waits', async () => {
  const client = await newClient(rig);
  const replies = await Promise.all(
    Array.from({ length: 100 }, () =>
      postForm(rig, '/oauth/token', grant, { authorization: basic({ id: client.id, secret: 'wrong' }) }),
    ),
  );
  assert.equal(replies.filter(({ status }) => status === 401).length, 10);
  assert.equal(replies.filter(({ status }) => status === 429).length, 90);
});

test('a client that is not there is limited like one that is', async () => {
  const wrong = { authorization: basic({ id: 'not-there', secret: 'x' }) };
  for (let at = 0; at < 10; at += 1) assert.equal((await postForm(rig, '/oauth/token', grant, wrong)).status, 401);
  assert.equal((await postForm(rig, '/oauth/token', grant, wrong)).status, 429);
});

test('success is never counted: a client may ask a hundred times a minute', async () => {
  const client = await newClient(rig);
  await Promise.all(Array.from({ length: 100 }, () => tokenOf(rig, client)));
});

test('what is remembered of failures is bounded, and the oldest is forgotten first', () => {
  const failures = createFailures({ now: () => 0, limit: 2, maxEntries: 100 });
  for (let at = 0; at < 1_000; at += 1) failures.add(`client-${at}`, '192.0.2.1');
  assert.equal(failures.size, 100);
  assert.equal(failures.add('client-999', '192.0.2.1'), null);
  assert.equal(failures.add('client-999', '192.0.2.1'), 60);
  assert.equal(failures.waitOf('client-999', '192.0.2.2'), null);
});

test('the window slides: after a minute there is one more attempt for each that has gone by', () => {
  let now = 0;
  const failures = createFailures({ now: () => now, limit: 2 });
  failures.add('a', 'x');
  now = 30_000;
  failures.add('a', 'x');
  assert.equal(failures.waitOf('a', 'x'), 30);
  now = 60_001;
  assert.equal(failures.waitOf('a', 'x'), null);
  failures.add('a', 'x');
  assert.equal(failures.waitOf('a', 'x'), 30);
});

test('of an IPv6 address the network counts, and an IPv4 address inside one is itself', () => {
  assert.equal(network('192.0.2.7'), '192.0.2.7');
  assert.equal(network('::ffff:192.0.2.7'), '192.0.2.7');
  assert.equal(network('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2');
  assert.equal(network('2001:db8:1:2::9'), '2001:db8:1:2');
  assert.equal(network('2001:db8::9'), network('2001:db8:0:0:ffff::1'));
  assert.equal(network('fe80::1%eth0'), 'fe80:0:0:0');
});
