import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createGathered } from '#db/base/gather.ts';

describe('questions that are gathered', () => {
  const asked: string[][] = [];
  const shout = (questions: readonly string[]): Promise<readonly string[]> => {
    asked.push([...questions]);
    if (questions.includes('wrong')) return Promise.reject(new Error('one of them is wrong'));
    return Promise.resolve(questions.map((question) => question.toUpperCase()));
  };
  const settled = async (all: readonly Promise<string>[]): Promise<readonly string[]> =>
    (await Promise.allSettled(all)).map((one) => (one.status === 'fulfilled' ? one.value : 'failed'));

  it('are answered together, each with its own answer, up to as many as may go together', async () => {
    asked.splice(0);
    const ask = createGathered(shout, { most: 2, atOnce: 1 });
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(ask)), ['A', 'B', 'C']);
    assert.deepEqual(asked, [['a', 'b'], ['c']]);
  });

  it('go together by their size where they have one, and what is larger than all may be goes alone', async () => {
    asked.splice(0);
    const ask = createGathered(shout, { most: 4, atOnce: 1, sizeOf: (question) => question.length });
    assert.deepEqual(await Promise.all(['aa', 'bb', 'cccccc', 'd'].map(ask)), ['AA', 'BB', 'CCCCCC', 'D']);
    assert.deepEqual(asked, [['aa', 'bb'], ['cccccc'], ['d']]);
  });

  it('are asked each by itself where an answer to several fails, so that only who is at fault hears of it', async () => {
    asked.splice(0);
    assert.deepEqual(await settled(['a', 'wrong', 'b'].map(createGathered(shout))), ['A', 'failed', 'B']);
    assert.deepEqual(asked, [['a', 'wrong', 'b'], ['a'], ['wrong'], ['b']]);
  });

  it('fail together where it is not the questions that a failure comes from, and those after them are answered', async () => {
    asked.splice(0);
    const ask = createGathered(shout, { failTogether: true, atOnce: 1, most: 2 });
    assert.deepEqual(await settled(['wrong', 'a', 'b'].map(ask)), ['failed', 'failed', 'B']);
    assert.deepEqual(asked, [['wrong', 'a'], ['b']]);
  });
});
