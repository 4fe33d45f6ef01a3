/** Each directed case of the fault bench is a test that is there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cases } from '#faults/cases.ts';

describe('the directed cases of the fault bench', () => {
  it('are tests of npm test, each with a unique name', () => {
    const wrong = cases.filter(
      ({ file, test }) => !readFileSync(join(import.meta.dirname, '..', file), 'utf8').includes(test),
    );
    assert.deepEqual(
      wrong.map(({ name, test }) => `${name}: ${test}`),
      [],
    );
    assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length);
  });
});
