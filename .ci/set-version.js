#!/usr/bin/env node
// Writes a new version wherever the old one is named, and into the change log when it was released. Run by who releases;
// nothing is written unless every file is as expected.
//
//   node .ci/set-version.js 0.2.0 --date 2027-01-31 [--root DIR]
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    date: { type: 'string' },
    root: { type: 'string', default: fileURLToPath(new URL('..', import.meta.url)) },
  },
});
const [version] = positionals;
if (!/^\d+\.\d+\.\d+$/.test(version ?? '') || !/^\d{4}-\d\d-\d\d$/.test(values.date ?? '')) {
  process.stderr.write('set-version: a version such as 0.2.0 and --date YYYY-MM-DD are needed\n');
  process.exit(64);
}
const read = (name) => readFileSync(join(values.root, name), 'utf8');
const before = JSON.parse(read('package.json')).version;
const old = before.replaceAll('.', '\\.');
/** File, pattern to find, replacement. */
const places = [
  ['package.json', new RegExp(`^(  "version": ")${old}(",)$`, 'm'), `$1${version}$2`],
  ['package-lock.json', new RegExp(`^(  "version": ")${old}(",)$`, 'm'), `$1${version}$2`],
  [
    'package-lock.json',
    new RegExp(`^(      "name": "ticket-ferry",\n      "version": ")${old}(",)$`, 'm'),
    `$1${version}$2`,
  ],
  ['docker-compose.yml', new RegExp(`^(  image: ticket-ferry:)${old}$`, 'm'), `$1${version}`],
  ['README.md', new RegExp(`^(Version )${old}\\.`, 'm'), `$1${version}.`],
  ['docs/running.md', new RegExp(`(ticket-ferry-)${old}(\\.tgz)`), `$1${version}$2`],
  ['CHANGELOG.md', /^## \d+\.\d+\.\d+ \(unreleased\)$/m, `## ${version} (${values.date})`],
];
const texts = new Map();
for (const [name, pattern, wanted] of places) {
  const text = texts.get(name) ?? read(name);
  if (!pattern.test(text)) {
    process.stderr.write(`set-version: ${name} does not name ${before} as expected; nothing was written\n`);
    process.exit(1);
  }
  texts.set(name, text.replace(pattern, wanted));
}
for (const [name, text] of texts) writeFileSync(join(values.root, name), text);
