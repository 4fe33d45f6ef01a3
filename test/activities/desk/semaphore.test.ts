import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPlaces, createSemaphore } from '#activities/desk/semaphore.ts';

const never = new AbortController().signal;

describe('places that are shared', () => {
  it('are given to so many at a time, first come, first served', async () => {
    const semaphore = createSemaphore(2);
    const order: number[] = [];
    const leave = [await semaphore.acquire(never), await semaphore.acquire(never)];
    const later = [3, 4].map((n) => semaphore.acquire(never).then((release) => (order.push(n), release)));
    await Promise.resolve();
    assert.deepEqual(order, []);
    leave[0]?.();
    const third = await later[0];
    assert.deepEqual(order, [3]);
    third?.();
    (await later[1])?.();
    assert.deepEqual(order, [3, 4]);
  });

  it('are given back once, however often their holder releases them', async () => {
    const semaphore = createSemaphore(1);
    const release = await semaphore.acquire(never);
    release();
    release();
    await semaphore.acquire(never);
    const leaving = new AbortController();
    const waits = semaphore.acquire(leaving.signal);
    leaving.abort(new Error('told to leave'));
    await assert.rejects(waits, /told to leave/, 'there is one place, not two');
  });

  it('are not given to somebody who has left the queue', async () => {
    const semaphore = createSemaphore(1);
    const release = await semaphore.acquire(never);
    const leaving = new AbortController();
    const gone = semaphore.acquire(leaving.signal);
    const next = semaphore.acquire(never);
    leaving.abort(new Error('told to leave'));
    await assert.rejects(gone);
    release();
    await next;
    await assert.rejects(async () => semaphore.acquire(leaving.signal), /told to leave/);
  });

  it('of one instance are none of another', async () => {
    const places = createPlaces(1);
    await places('acme').acquire(never);
    await places('north').acquire(never);
    assert.equal(places('acme'), places('acme'));
  });
});
