import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoised } from '#activities/desk/memo.ts';

test('a memoised function is called once for a text, and keeps no more than its limit, and no long texts', () => {
  const asked: string[] = [];
  const of = memoised(
    (text: string) => {
      asked.push(text);
      return text.length;
    },
    { most: 2, longest: 3 },
  );
  assert.deepEqual(['a', 'a', 'bb', 'a', 'long', 'long'].map(of), [1, 1, 2, 1, 4, 4]);
  assert.deepEqual(asked, ['a', 'bb', 'long', 'long']);
  of('ccc');
  of('a');
  assert.deepEqual(asked.slice(4), ['ccc', 'a'], 'the one kept longest has gone');
});
