#!/usr/bin/env node
// Writes npm-shrinkwrap.json, which a package ships, so that whoever installs it gets the very packages that were locked,
// tested and listed (dist/sbom.cdx.json). npm calls it before it packs (`prepack`) and, with --remove, after that: in a
// checkout npm would read it instead of package-lock.json.
//
// What only development needs is left out. So is which Node each package wants: that is a warning for the Node that runs
// npm, while Ferry runs on the Node 24 that it brings along.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = join(root, 'npm-shrinkwrap.json');

if (process.argv[2] === '--remove') rmSync(file, { force: true });
else writeFileSync(file, `${JSON.stringify(shrinkwrap(), null, 2)}\n`);

function shrinkwrap() {
  const { packages, ...head } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const { '': own, ...others } = packages;
  const { devDependencies: _development, ...product } = own;
  const wanted = Object.entries(others)
    .filter(([, { dev, devOptional, link }]) => dev !== true && devOptional !== true && link !== true)
    .map(([path, { engines: _engines, ...entry }]) => [path, entry]);
  return { ...head, packages: { '': product, ...Object.fromEntries(wanted) } };
}
