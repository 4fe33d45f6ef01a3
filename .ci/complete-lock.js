#!/usr/bin/env node
// npm leaves out of package-lock.json what the registry at hand does not carry, for instance a native package for
// another platform in just this version, and then `npm ci` refuses the lock everywhere. This puts in what is missing,
// by name and version, as the packages that want it say, each with the checksum that the registry publishes: without one
// `npm ci` would install whatever it is sent. To be run after a change of dependencies; test/lock.test.ts says when it
// was forgotten.
//
// It also takes out which Node each package wants: npm warns on behalf of the Node that runs npm, while Ferry runs on the
// Node 24 that it brings along. (In a package the same is reached by `bundleDependencies`: npm does not look into those.)
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];

const { packages, ...head } = JSON.parse(readFileSync(file, 'utf8'));
const added = [];
for (const [path, entry] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const places = [`node_modules/${name}`, ...(path === '' ? [] : [`${path}/node_modules/${name}`])];
    if (places.some((place) => place in packages)) continue;
    if (!/^\d+\.\d+\.\d+/.test(version)) throw new Error(`${path} wants ${name} ${version}, which is no exact version`);
    packages[`node_modules/${name}`] = locked(name, version, entry);
    added.push(`${name} ${version}`);
  }
}
for (const [path, entry] of Object.entries(packages)) {
  if (path === '' || entry.link === true || entry.integrity !== undefined) continue;
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  packages[path] = withChecksum(entry, checksumOf(name, entry.version));
}
for (const [path, entry] of Object.entries(packages)) if (path !== '') delete entry.engines;
const sorted = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
writeFileSync(file, `${JSON.stringify({ ...head, packages: sorted }, null, 2)}\n`);
process.stdout.write(added.length === 0 ? 'nothing is missing\n' : `${added.join('\n')}\n`);

/** As the registry publishes it. @throws where it has no such package, so that no lock is written without */
function checksumOf(name, version) {
  const asked = ['view', `${name}@${version}`, 'dist.integrity', '--json'];
  const integrity = JSON.parse(execFileSync('npm', asked, { encoding: 'utf8' }) || 'null');
  if (typeof integrity !== 'string') throw new Error(`The registry publishes no checksum of ${name} ${version}.`);
  return integrity;
}

/** In npm's own order of keys. */
function withChecksum({ version, ...rest }, integrity) {
  return { version, integrity, ...rest };
}

/** What npm itself would write, before its checksum; the platform is read off the name. */
function locked(name, version, wantedBy) {
  const words = name.replace(/^@[^/]+\//, '').split('-');
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  const libc = words.some((word) => word.startsWith('musl')) ? 'musl' : os === 'linux' ? 'glibc' : undefined;
  return {
    version,
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(wantedBy.dev === true ? { dev: true } : {}),
    ...(os === 'linux' && libc !== undefined ? { libc: [libc] } : {}),
    ...(wantedBy.license === undefined ? {} : { license: wantedBy.license }),
    optional: true,
    ...(os === undefined ? {} : { os: [os] }),
  };
}
