import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '#core/words/reasons.ts';

test('a reason can be stored whatever text others sent: no half character, no NUL', () => {
  for (const detail of ['cut in \ud83d', '\udda8 begins', 'a\0b']) {
    const { text } = reason('refused-by-desk', { desk: 'Acme', name: detail, detail });
    assert.ok(text.isWellFormed(), text);
    assert.ok(!text.includes('\0'));
  }
});
