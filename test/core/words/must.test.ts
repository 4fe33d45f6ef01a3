import assert from 'node:assert/strict';
import { test } from 'node:test';
import { otherSide } from '#core/words/ends.ts';
import { must } from '#core/words/must.ts';
import { sideNames } from '#core/words/vocabulary.ts';

test('what cannot be absent is what it is, also where it is empty, and is named where it is absent', () => {
  for (const value of ['', 0, false]) assert.equal(must(value, 'a value'), value);
  for (const absent of [null, undefined]) assert.throws(() => must(absent, 'id of the action'), /id of the action/);
});

test('the other side of the other side is the side itself, and never the side', () => {
  for (const side of sideNames) {
    assert.notEqual(otherSide(side), side);
    assert.equal(otherSide(otherSide(side)), side);
  }
});
