/** Checks that `npm ci` installs exactly what was locked. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

type Entry = { readonly integrity?: string; readonly link?: boolean; readonly version?: string };

const root = path.join(import.meta.dirname, '..');
const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, Entry>>;
};
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Readonly<
  Record<string, Readonly<Record<string, string>>>
>;

test('every package of the lock has a strong checksum, those of other platforms too', () => {
  const unchecked = Object.entries(lock.packages)
    .filter(([name, { link }]) => name !== '' && link !== true)
    .filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''))
    .map(([name]) => name);
  assert.deepEqual(unchecked, [], 'run: node .ci/complete-lock.js');
});

test('every dependency names one exact version', () => {
  const loose = ['dependencies', 'devDependencies', 'optionalDependencies']
    .flatMap((kind) => Object.entries(manifest[kind] ?? {}))
    .filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version));
  assert.deepEqual(loose, []);
});
