import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookBack, overlapStart, withinOverlap } from '#connectors/kit/overlap.ts';

test('a poll starts before the newest time, further back if the desk’s clock is behind, never closer if it is ahead', () => {
  assert.equal(overlapStart(10_000, 4_000), 6_000);
  assert.equal(overlapStart(10_000, 4_000, -1_000), 5_000);
  assert.equal(overlapStart(10_000, 4_000, 1_000), 6_000);
  assert.equal(lookBack('2026-11-28T00:00:01.000Z', 2_000), '2026-11-27T23:59:59.000Z');
});

test('what lies at the very begin of the stretch is remembered, what lies before it is not', () => {
  const given = ['2026-11-28T00:00:01.999Z', '2026-11-28T00:00:02.000Z', '2026-11-28T00:00:09.000Z'];
  assert.deepEqual(
    withinOverlap(given, '2026-11-28T00:00:07.000Z', 5_000, (at) => at),
    given.slice(1),
  );
});
