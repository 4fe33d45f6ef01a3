/** What people read is plain English: phrases that were hard to read don't come back, in code as in pages. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { allowed, phrases, unedited } from '#test/english.ts';

const root = path.join(import.meta.dirname, '..');
const texts = /\.(?:ts|js|md|pl|sh|ya?ml|html|css|sql|json|conf)$|^[A-Z]\w*file$/;
/** Written by a generator, by others, or the list itself. */
const notOurs = /^(?:package-lock\.json|LICENSE|db\/migrations\/|test\/fixtures\/|test\/english\.(?:test\.)?ts)/;

const git = ['-c', 'safe.directory=*', 'ls-files', '--cached', '--others', '--exclude-standard', '-z'];
const files = execFileSync('git', git, { cwd: root, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 })
  .split('\0')
  .filter((file) => texts.test(file) && !notOurs.test(file) && existsSync(path.join(root, file)));

const patterns = phrases.map(({ phrase, instead }) => ({
  // A line that is broken inside a comment begins with the comment's leader.
  pattern: new RegExp(
    String.raw`(?<![\w-])(?:${phrase.replaceAll(' ', String.raw`\s+(?:(?:\*|//|--|#)\s+)?`)})(?![\w-])`,
    'gi',
  ),
  instead,
}));

const isUnder = (file: string, folder: string): boolean => file === folder || file.startsWith(`${folder}/`);
const line = (text: string, at: number): number => text.slice(0, at).split('\n').length;

/** One line for each phrase of the list that the file contains, but for the quotations that are allowed. */
function found(file: string): string[] {
  let text = readFileSync(path.join(root, file), 'utf8');
  for (const quoted of allowed)
    if (quoted.file === file) text = text.replaceAll(quoted.text, ' '.repeat(quoted.text.length));
  return patterns.flatMap(({ pattern, instead }) =>
    [...text.matchAll(pattern)].map((match) => `${file}:${line(text, match.index)}: "${match[0]}": write ${instead}`),
  );
}

describe('English', () => {
  it('has none of the phrases that must not come back', () => {
    assert.ok(files.length > 500);
    const edited = files.filter((file) => !unedited.some((folder) => isUnder(file, folder)));
    assert.deepEqual(
      edited.flatMap((file) => found(file)),
      [],
    );
  });

  it('has only exceptions that are used, and calls unedited only folders that exist', () => {
    for (const { file, text } of allowed)
      assert.ok(files.includes(file) && readFileSync(path.join(root, file), 'utf8').includes(text), `${file}: ${text}`);
    for (const folder of unedited)
      assert.ok(
        files.some((file) => isUnder(file, folder)),
        `${folder} is not there`,
      );
  });
});
