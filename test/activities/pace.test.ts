import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createPace } from '#activities/pace.ts';

it('a link may bring a minute of actions at once, then waits, and other links do not', () => {
  let now = 0;
  const pace = createPace(300, () => now);
  for (let n = 0; n < 300; n += 1) {
    assert.equal(pace.waitMs('noisy'), 0);
    pace.count('noisy');
  }
  assert.equal(pace.waitMs('noisy'), 200);
  assert.equal(pace.waitMs('quiet'), 0);
  now = 200;
  assert.equal(pace.waitMs('noisy'), 0);
});
