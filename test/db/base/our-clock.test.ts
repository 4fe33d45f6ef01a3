import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reckonedBy } from '#db/base/our-clock.ts';

const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

describe('the clock by which Ferry reckons', () => {
  it('is the database’s, and advances between two answers whatever the process’s own clock does', async () => {
    let [database, steady, asked] = [1_000_000, 500, 0];
    const clock = reckonedBy(
      () => {
        asked += 1;
        return Promise.resolve(database);
      },
      () => steady,
    );
    assert.equal(clock.now(), null);
    await turn();
    steady += 1_500;
    assert.equal(clock.now(), 1_001_500);
    assert.equal(asked, 1);
    // The machine slept: the monotonic clock stopped, the database's continued.
    steady += 4_000;
    database += 3_600_000;
    clock.now();
    await turn();
    assert.equal(clock.now(), 4_600_000);
    assert.equal(asked, 2);
  });

  it('believes no answer that was long under way, and runs on where the database can’t be asked', async () => {
    let steady = 0;
    let answer: () => Promise<number> = () => Promise.resolve(1_000);
    const clock = reckonedBy(
      () => answer(),
      () => steady,
    );
    clock.now();
    await turn();
    answer = () => {
      steady += 60_000;
      return Promise.resolve(1_000);
    };
    steady += 5_000;
    clock.now();
    await turn();
    answer = () => Promise.reject(new Error('away'));
    assert.equal(clock.now(), 66_000);
    steady += 5_000;
    clock.now();
    await turn();
    assert.equal(clock.now(), 71_000);
  });
});
