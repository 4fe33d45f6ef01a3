/**
 * Mails with the structure and markup of the programs people use (all words are ours), each with what a person would
 * call the note: what the author wrote, without the quoted mail if it is clear which part that is.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { htmlToText, sanitise } from '#core/text/html.ts';
import { quoted } from '#core/text/quoted.ts';

const folder = path.join(import.meta.dirname, '..', 'fixtures', 'mail');
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.html'))
  .map((name) => name.slice(0, -'.html'.length))
  .sort();

/** Struck as `~~x~~`, underlined as `__x__`, raised as `^x`, lowered as `,x`. */
function asRead(html: string): string {
  const marked = html
    .replaceAll(/<\/?s>/g, '~~')
    .replaceAll(/<\/?u>/g, '__')
    .replaceAll('<sup>', '^')
    .replaceAll('<sub>', ',');
  return withoutBlankLines(htmlToText(marked));
}

/** How many lines lie between two says nothing. */
function withoutBlankLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !/^[>\s]*$/.test(line))
    .join('\n');
}

function fixture(name: string): { readonly html: string; readonly expected: string } {
  const read = (ending: string): string => readFileSync(path.join(folder, name + ending), 'utf8');
  return { html: read('.html'), expected: withoutBlankLines(read('.txt')) };
}

test('there are mails of sixty kinds and more', () => {
  assert.ok(names.length >= 60, `${names.length}`);
});

for (const name of names) {
  test(`what somebody wrote is separated from the rest of a mail and keeps its meaning: ${name}`, () => {
    const { html, expected } = fixture(name);
    assert.equal(asRead(quoted(sanitise(html), 'drop').html), expected);
  });

  test(`nothing of a mail is lost where quotations are folded: ${name}`, () => {
    const safe = sanitise(fixture(name).html);
    const words = (text: string): readonly string[] =>
      htmlToText(text)
        .match(/[\p{L}\p{N}]+/gu)
        ?.toSorted() ?? [];
    const folded = quoted(safe, 'fold').html;
    assert.deepEqual(words(folded), words(safe));
    assert.equal(quoted(folded, 'fold').html, folded, 'folding again changes nothing');
    assert.equal(sanitise(safe), safe);
  });
}
