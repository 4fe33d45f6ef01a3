import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isNewest, topOf, type Kept } from '#core/log/newest.ts';

const at = (ms: number): string => new Date(Date.parse('2026-03-01T12:00:00Z') + ms).toISOString();
const lateMs = 5_000;
const kept = (top: string | null, begun: number, stored: number): Kept => ({
  top,
  begunAt: at(begun),
  storedAt: at(stored),
});

describe('the newest of two readings', () => {
  it('is the one that shows the higher id, whenever each began and was stored', () => {
    for (const begun of [-1_000, 500, 3_000])
      assert.deepEqual(
        ['6', '8', '10'].map((top) => isNewest(kept('7', 0, 1_000), { top, begunAt: at(begun) }, lateMs)),
        [false, true, true],
      );
  });

  it('is the one that began later, where both show the same id or nobody knows ids', () => {
    for (const top of ['7', null, 'abc']) {
      assert.equal(isNewest(kept(top, 0, 1_000), { top, begunAt: at(-1) }, lateMs), false);
      assert.equal(isNewest(kept(top, 0, 1_000), { top, begunAt: at(1) }, lateMs), true);
    }
    assert.equal(isNewest(kept('7', 0, 1_000), { top: null, begunAt: at(-1) }, lateMs), false);
  });

  it('is one that began when even a late replica shows all that was stored: an action may have been deleted', () => {
    assert.equal(isNewest(kept('7', 0, 1_000), { top: '6', begunAt: at(6_000) }, lateMs), false);
    assert.equal(isNewest(kept('7', 0, 1_000), { top: '6', begunAt: at(6_001) }, lateMs), true);
  });

  it('is any where nothing is known of the other', () => {
    assert.equal(isNewest(null, { top: '1', begunAt: at(0) }, lateMs), true);
    assert.equal(isNewest({ top: '7', begunAt: null, storedAt: at(0) }, { top: '1', begunAt: at(-9) }, lateMs), true);
    assert.equal(isNewest(kept('7', 0, 0), { top: '1', begunAt: null }, lateMs), true);
  });

  it('has as its top the highest number, also where it showed nothing', () => {
    assert.equal(topOf(['9', '10', 'x'], null), '10');
    assert.equal(topOf([], '12'), '12');
    assert.equal(topOf(['x'], null), null);
    assert.equal(topOf(['0'], null), '0');
  });
});
