#!/usr/bin/env node
// Beside a package that was packed: the list of what it consists of, and SHA256SUMS of both.
//
//   node .ci/checksums.js ticket-ferry-0.2.0.tgz
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const [archive] = process.argv.slice(2);
if (archive === undefined || !archive.endsWith('.tgz')) {
  process.stderr.write('checksums: name the package that npm pack has made\n');
  process.exit(64);
}
const list = archive.replace(/\.tgz$/, '.cdx.json');
const maxBuffer = 64 * 1024 * 1024;
writeFileSync(list, execFileSync('tar', ['-xzOf', archive, 'package/dist/sbom.cdx.json'], { maxBuffer }));
const line = (file) => `${createHash('sha256').update(readFileSync(file)).digest('hex')}  ${basename(file)}\n`;
writeFileSync(join(dirname(archive), 'SHA256SUMS'), [archive, list].map(line).join(''));
