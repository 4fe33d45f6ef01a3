import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { downCapMs, longestPauseMs, nextTry, pauseOf } from '#core/words/retry.ts';

const now = Date.parse('2026-11-28T00:00:00Z');

test('Retry-After counts in seconds or to a date, an hour at most, and nonsense is ignored', () => {
  assert.equal(pauseOf('120', now), 120_000);
  assert.equal(pauseOf(' 7 ', now), 7_000);
  assert.equal(pauseOf('0', now), 0);
  assert.equal(pauseOf('99999999', now), longestPauseMs);
  assert.equal(pauseOf(new Date(now + 60_000).toUTCString(), now), 60_000);
  assert.equal(pauseOf('Fri, 31 Dec 9999 23:59:59 GMT', now), longestPauseMs);
  for (const none of [undefined, '', '-1', 'soon', '1e9', '0x7fffffff', 'Sat, 28 Nov 2020 00:00:00 GMT'])
    assert.equal(pauseOf(none, now), undefined, none);
});

test('a second since 1970 in Retry-After, as some proxies send it, is an hour and not decades', () => {
  assert.equal(pauseOf('1795823593', now), longestPauseMs);
});

test('no header and no helpdesk makes anybody wait for longer than an hour, or for less than nothing', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.nat().map(String), fc.bigInt().map(String)), (header) => {
      const pause = pauseOf(header, now);
      assert.ok(pause === undefined || (pause >= 0 && pause <= longestPauseMs));
    }),
  );
  fc.assert(
    fc.property(
      fc.double(),
      fc.integer(),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (retryAfterMs, attempt, random) => {
        for (const trouble of ['retry', 'slow-down', 'conflict', 'auth'] as const) {
          const delay = nextTry({ attempt, trouble, retryAfterMs, random });
          assert.ok(delay > 0 && delay <= longestPauseMs, `${delay}`);
        }
      },
    ),
  );
});

test('a desk that is down is asked again every quarter of a minute, however long it has been down', () => {
  const delay = nextTry({ attempt: 1_000, trouble: 'retry', random: 0.999, capMs: downCapMs });
  assert.ok(delay <= downCapMs && delay > downCapMs / 2);
});
