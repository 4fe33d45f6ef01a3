import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearsReference, linesOf } from '#core/words/reference.ts';

const far = { number: '#7', url: 'https://north.example/Ticket/Display.html?id=7' };
const of = (...customers: string[]) => ({ customers, suppliers: [] });

test('a ticket bears the reference in any line of either sort, with or without address and marker', () => {
  for (const line of ['#7', `#7 ${far.url}`, `#7 ${far.url} ferry:abc-0`, '#7 ferry:abc-0']) {
    assert.equal(bearsReference(of(line), far), true, line);
    assert.equal(bearsReference({ customers: [], suppliers: ['#1 https://other.example/1', line] }, far), true, line);
  }
});

test('a number that only begins alike, an address elsewhere and an empty field are no reference', () => {
  const lines = ['', '#70', '#77 x', `x #7`, '#7 https://other.example/Ticket/Display.html?id=7', '#7x', '7'];
  for (const line of lines) assert.equal(bearsReference(of(line), far), false, line);
  assert.equal(bearsReference(of(), far), false);
});

test('it is unknown for a desk that shows no references, and while the far ticket has no number', () => {
  assert.equal(bearsReference(undefined, far), null);
  assert.equal(bearsReference(of('#7'), { number: null, url: null }), null);
  assert.equal(bearsReference(of('#7'), { number: '', url: null }), null);
});

test('lines are separated however a desk stores them', () => {
  assert.deepEqual(linesOf(['a\r\nb\n', null, undefined, '  ', 'c']), ['a', 'b', 'c']);
});
