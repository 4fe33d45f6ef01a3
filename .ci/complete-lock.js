#!/usr/bin/env node
// npm leaves out of package-lock.json what the registry at hand does not carry, for instance a native package for
// another platform in just this version, and then `npm ci` refuses the lock everywhere. This puts in what is missing,
// by name and version, as the packages that want it say. To be run after a change of dependencies; test/docs.test.ts
// says when it was forgotten.
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
const sorted = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
writeFileSync(file, `${JSON.stringify({ ...head, packages: sorted }, null, 2)}\n`);
process.stdout.write(added.length === 0 ? 'nothing is missing\n' : `${added.join('\n')}\n`);

/** What npm itself would write, without the checksum; the platform is read off the name. */
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
