/** The papers that a reviewer reads name files and tests as proof: they are there. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

const root = path.join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const papers = ['SECURITY.md', 'docs/threat-model.md', 'docs/asvs.md', 'docs/halo-parity.md'];
const folders = /^(?:[a-z][\w.-]*\/)+[\w.-]*$/;

/** Finds the text between back ticks. */
function quoted(paper: string): string[] {
  return [...read(paper).matchAll(/`([^`\n]+)`/g)].map(([, inner = '']) => inner);
}

/** The text as the test's source spells it, in any quotes. */
function isNamed(source: string, name: string): boolean {
  const escaped = [name, name.replaceAll("'", String.raw`\'`)];
  return escaped.some((one) => [`'${one}'`, `"${one}"`, `\`${one}\``].some((literal) => source.includes(literal)));
}

for (const paper of papers) {
  describe(paper, () => {
    it('names tests that are there', () => {
      for (const one of quoted(paper)) {
        const [, file = '', name = ''] = /^(test\/[\w./-]+\.ts): (.+)$/.exec(one) ?? [];
        if (file === '') continue;
        assert.ok(existsSync(path.join(root, file)), `${paper}: there is no ${file}`);
        assert.ok(isNamed(read(file), name), `${paper}: ${file} has no test "${name}"`);
      }
    });

    it('names files that are there', () => {
      for (const one of quoted(paper)) {
        if (!folders.test(one)) continue;
        assert.ok(existsSync(path.join(root, one)), `${paper}: there is no ${one}`);
      }
    });
  });
}

describe('docs/asvs.md', () => {
  it('has every requirement of both levels once, and no other', () => {
    const standard = JSON.parse(read('test/fixtures/asvs-5.0.0.json')) as Record<'level1' | 'level2', string[]>;
    const listed = [...read('docs/asvs.md').matchAll(/^\| ((?:\d+\.\d+\.\d+(?:, )?)+) \|/gm)].flatMap(
      ([, numbers = '']) => numbers.split(', '),
    );
    assert.deepEqual(listed.toSorted(), [...standard.level1, ...standard.level2].toSorted());
  });
});
