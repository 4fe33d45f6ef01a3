import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replyError, type Purpose } from '#connectors/rt/errors.ts';

const purposes: readonly Purpose[] = [
  { what: 'read ticket 1', write: false, about: 'ticket' },
  { what: 'comment on ticket 1', write: true, about: 'ticket' },
  { what: 'read file 2', write: false, about: 'file' },
];

test('a ticket or file that may not be seen is not a deleted one: it is tried again, with what to do', () => {
  for (const purpose of purposes) {
    const error = replyError({ status: 403, headers: {}, text: '{"message":"Forbidden"}' }, purpose);
    assert.deepEqual([error.class, error.code], ['retry', 'not-permitted']);
    assert.match(error.message, /rights/);
  }
});

test('only what RT says is not there is gone', () => {
  for (const purpose of purposes)
    for (const status of [404, 410]) {
      const error = replyError({ status, headers: {}, text: '{"message":"Not Found"}' }, purpose);
      assert.equal(error.class, 'gone');
    }
});
