/** test/ mirrors the tree: each room has tests of its own, in a folder of its name, and no test names a file that is gone. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const root = path.join(import.meta.dirname, '..');
/** Folders with rooms, each of which is tested by itself. */
const folders = ['activities', 'connectors', 'core', 'db', 'gateway', 'operate'];

/** Folders below it that hold files of this ending. */
function roomsOf(folder: string, ending: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && filesOf(path.join(folder, entry.name), ending).length > 0)
    .map(({ name }) => name)
    .toSorted();
}

function filesOf(folder: string, ending: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'));
}

/** Paths of the tree's own source that a text names, in imports, strings and comments; of patterns nothing. */
function namedIn(text: string, top: readonly string[]): string[] {
  const named = new RegExp(String.raw`(?<![\w./@-])#?((?:${top.join('|')})/[\w./-]+\.(?:ts|js))(?![\w*])`, 'g');
  return [...text.matchAll(named)].map(([, file = '']) => file);
}

test('every room has a folder of tests', () => {
  const without = folders.flatMap((folder) => {
    const tested = existsSync(path.join(root, 'test', folder)) ? roomsOf(`test/${folder}`, '.test.ts') : [];
    return roomsOf(folder, '.ts')
      .filter((room) => !tested.includes(room))
      .map((room) => `test/${folder}/${room} has no test`);
  });
  assert.deepEqual(without, []);
});

test('every folder of tests is that of a room', () => {
  const without = folders.flatMap((folder) => {
    const rooms = roomsOf(folder, '.ts');
    return roomsOf(`test/${folder}`, '.ts')
      .filter((room) => !rooms.includes(room))
      .map((room) => `test/${folder}/${room} tests no room of ${folder}`);
  });
  assert.deepEqual(without, []);
});

test('no test names a file that is gone', () => {
  const top = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/^(?:\.|node_modules|dist)/.test(entry.name))
    .map(({ name }) => name);
  // Tests of the architecture make names up.
  const files = filesOf('test', '.ts').filter((file) => !file.startsWith('test/architecture'));
  const gone = files.flatMap((file) =>
    namedIn(readFileSync(path.join(root, file), 'utf8'), top)
      .filter((named) => !existsSync(path.join(root, named)))
      .map((named) => `${file} names ${named}`),
  );
  assert.deepEqual(gone, []);
});

test('what names a file is an import, a string or a comment, and no pattern of names', () => {
  const text =
    "import a from '#db/a.ts'; // see db/b.ts, node_modules/db/c.ts and db/*/d.ts\nread('db/e/f.js', `x/db/g.ts`)";
  assert.deepEqual(namedIn(text, ['db']), ['db/a.ts', 'db/b.ts', 'db/e/f.js']);
});
