#!/usr/bin/env node
// `npm run build`: makes `dist`, which a package and an image ship. TypeScript's compiler takes the types away; the files
// that programs read beside their code are copied; the bundle of workflows is made last, from what was built.
//
// `dist` has a package.json of its own, because `#core/x.ts` means the JavaScript of that name there.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
/** What programs read at run time, below the folders that the compiler has written. */
const assets = /\.(?:css|js|pl|sql|svg)$|^db\/migrations\/meta\/_journal\.json$/;

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
rmSync(dist, { recursive: true, force: true });
run(join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc'), [
  '--project',
  'tsconfig.build.json',
]);
const folders = readdirSync(dist);
for (const folder of folders)
  for (const name of readdirSync(join(root, folder), { recursive: true })) {
    const file = join(folder, name);
    if (!assets.test(file)) continue;
    mkdirSync(dirname(join(dist, file)), { recursive: true });
    copyFileSync(join(root, file), join(dist, file));
  }
const own = {
  // With the package's name and version, which config/version.ts looks for in the folders above.
  name: manifest.name,
  version: manifest.version,
  private: true,
  type: 'module',
  imports: Object.fromEntries(folders.map((folder) => [`#${folder}/*.ts`, `./${folder}/*.js`])),
};
writeFileSync(join(dist, 'package.json'), `${JSON.stringify(own, null, 2)}\n`);
run(join(dist, 'worker', 'make-bundle.js'), []);

/** A program of Node's, which says what it has to say on stderr: stdout is npm's. */
function run(program, args) {
  execFileSync(process.execPath, [program, ...args], { cwd: root, stdio: ['ignore', 2, 2] });
}
