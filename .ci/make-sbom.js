#!/usr/bin/env node
// Writes what a package of Ferry consists of, as CycloneDX: every package that its lock names, with version and checksum.
// npm calls it before it packs (`prepack`). `node .ci/make-sbom.js FILE` writes elsewhere.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = process.argv[2] ?? join(root, 'dist', 'sbom.cdx.json');
// With --omit dev npm 11 leaves out packages that the product needs too, so the lock says which ones those are.
const asked = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
const said = execFileSync('npm', asked, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
const bom = JSON.parse(said);
const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
// npm names it after the folder that it happens to be in.
bom.metadata.component.name = name;
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const wanted = new Set(
  Object.entries(packages)
    .filter(([path, { dev, link }]) => path !== '' && dev !== true && link !== true)
    .map(([path, { version }]) => `${path.slice(path.lastIndexOf('node_modules/') + 13)}@${version}`),
);
const nameOf = ({ group, name: own, version }) =>
  `${group === undefined || own.startsWith('@') ? own : `${group}/${own}`}@${version}`;
bom.components = bom.components.filter((one) => wanted.has(nameOf(one)));
const listed = new Set(bom.components.map(nameOf));
const missing = [...wanted].filter((one) => !listed.has(one));
if (missing.length > 0) throw new Error(`npm lists no ${missing.join(', ')}`);
const refs = new Set([bom.metadata.component['bom-ref'], ...bom.components.map((one) => one['bom-ref'])]);
bom.dependencies = bom.dependencies
  .filter(({ ref }) => refs.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }));
const unchecked = bom.components.filter(({ hashes }) => hashes === undefined || hashes.length === 0);
if (bom.components.length === 0 || unchecked.length > 0)
  throw new Error(`without a checksum: ${unchecked.map((one) => one.purl).join(', ') || 'everything'}`);
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(bom, null, 2)}\n`);
process.stdout.write(`${file}\n`);
