// Each code of a finding has a page, and the page's examples are true.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { findingCodes, severities } from '#core/lint/finding.ts';
import { examplesOf, lintPair, page } from './pairs.ts';

const pages = readdirSync(path.join(import.meta.dirname, '../../../docs/findings'))
  .filter((file) => file !== 'README.md')
  .map((file) => file.replace(/\.md$/, ''));

test('every code has a page, and every page a code', () => {
  assert.deepEqual(pages.toSorted(), findingCodes.toSorted());
});

test('the index has every code with its severity, and nothing else', () => {
  const rows = [...page('README').matchAll(/^\| \[([\w-]+)\]\(([\w-]+)\.md\) \| (\w+) \|/gm)];
  assert.deepEqual(
    rows.map(([, code, file, severity]) => `${code} ${file} ${severity}`).toSorted(),
    findingCodes.map((code) => `${code} ${code} ${severities[code]}`).toSorted(),
  );
});

test('the pair that the examples change has no finding at all', () => {
  assert.deepEqual(lintPair(), []);
});

for (const code of findingCodes) {
  test(`the page of ${code} says what it is, and its examples fail and pass as they say`, () => {
    const text = page(code);
    assert.ok(text.startsWith(`# ${code}\n`));
    assert.match(text, severities[code] === 'error' ? /It is an error\./ : /It is a warning\./);
    const examples = examplesOf(text);
    assert.deepEqual([...examples.keys()], ['Fails', 'Passes']);
    const failing = lintPair(examples.get('Fails'));
    assert.deepEqual([...new Set(failing.map((one) => one.code))], [code]);
    for (const { severity, why, fix } of failing) {
      assert.equal(severity, severities[code]);
      assert.match(why, /^["A-Z{].*\.$/);
      assert.match(fix, /^[A-Z].*[.?]$/);
    }
    assert.deepEqual(lintPair(examples.get('Passes')), []);
  });
}
