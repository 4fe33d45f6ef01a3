#!/usr/bin/env node
// Fills in, before a release, what can only be learned from outside: the digests of the images that Dockerfile and
// docker-compose.yml name, and the SHA-256 of the archives of Temporal's CLI that `ferry start` downloads. Run by who
// releases, where an image registry can be reached; the difference is looked at and committed by that person.
//
//   node .ci/release.js --registry URL --published URL [--downloads URL] [--root DIR] [--check]
//
// --registry   the image registry's API (the URL before /v2/)
// --published  the list of checksums that Temporal publishes beside its archives (lines `<sha256>  <file>`)
// --downloads  where the archives are, as `ferry start` asks for them
// --check      changes nothing; exit code 1 where something would change
//
// Nothing is written unless everything was learned. A digest is computed from the manifest that came, and the checksum of
// an archive from its bytes; both have to be what the other side says of them.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const platforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];
const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const withinMs = 180_000;

const { values } = parseArgs({
  options: {
    registry: { type: 'string' },
    published: { type: 'string' },
    downloads: { type: 'string', default: 'https://temporal.download' },
    root: { type: 'string', default: fileURLToPath(new URL('..', import.meta.url)) },
    check: { type: 'boolean', default: false },
  },
});
if (values.registry === undefined || values.published === undefined) {
  process.stderr.write('release: --registry and --published are needed; the head of this file says what they are\n');
  process.exit(64);
}

try {
  process.exitCode = await release();
} catch (error) {
  process.stderr.write(`release: ${error.message}; nothing was written\n`);
  process.exitCode = 1;
}

async function release() {
  const digests = new Map();
  const files = [];
  for (const [name, pattern] of [
    ['Dockerfile', /^(FROM )([^\s@]+)(?:@sha256:[0-9a-f]+)?(?= AS \w+$|$)/gm],
    ['docker-compose.yml', /^( +image: )([^\s@]+)(?:@sha256:[0-9a-f]+)?$/gm],
  ]) {
    const path = join(values.root, name);
    const before = readFileSync(path, 'utf8');
    for (const [, , image] of before.matchAll(pattern))
      if (!isOurs(image) && !digests.has(image)) digests.set(image, await digestOf(image));
    const after = before.replaceAll(pattern, (line, start, image) =>
      isOurs(image) ? line : `${start}${image}@${digests.get(image)}`,
    );
    files.push({ path, before, after });
  }
  if (digests.size === 0) throw new Error('no image is named');
  files.push(await archives());
  const changed = files.filter(({ before, after }) => before !== after);
  for (const { path, after } of changed) {
    process.stdout.write(`${values.check ? 'would change' : 'changed'} ${path}\n`);
    if (!values.check) writeFileSync(path, after);
  }
  return values.check && changed.length > 0 ? 1 : 0;
}

/** Built here, never fetched. */
function isOurs(image) {
  return image.startsWith('ticket-ferry:');
}

/** Of the list of manifests for all platforms: that of one would not run on another. */
async function digestOf(image) {
  const [, name, tag] = /^([a-z0-9./_-]+):([\w.-]+)$/.exec(image) ?? [];
  if (name === undefined) throw new Error(`${image} has no tag`);
  const repository = name.includes('/') ? name : `library/${name}`;
  const url = `${values.registry}/v2/${repository}/manifests/${tag}`;
  const accept = { accept: manifestTypes.join(', ') };
  let reply = await get(url, accept, [401]);
  if (reply.status === 401) {
    const token = await tokenFor(reply.headers.get('www-authenticate') ?? '', repository);
    reply = await get(url, { ...accept, authorization: `Bearer ${token}` });
  }
  const type = reply.headers.get('content-type')?.split(';', 1)[0];
  if (!manifestTypes.includes(type)) throw new Error(`${image} has no list of manifests for all platforms (${type})`);
  const digest = `sha256:${sha256(Buffer.from(await reply.arrayBuffer()))}`;
  const said = reply.headers.get('docker-content-digest');
  if (said !== null && said !== digest) throw new Error(`${image}: the registry says ${said}, and sent ${digest}`);
  return digest;
}

/** As the registry's challenge says (Distribution's token authentication). Nobody's password is sent. */
async function tokenFor(challenge, repository) {
  const realm = /\brealm="([^"]+)"/.exec(challenge)?.[1];
  if (!/^bearer /i.test(challenge) || realm === undefined)
    throw new Error(`the registry asks for ${challenge || 'nothing'}`);
  const url = new URL(realm);
  const isLocal = new URL(values.registry).protocol === 'http:';
  if (url.protocol !== 'https:' && !isLocal) throw new Error(`the registry sends us to ${realm}, without TLS`);
  const service = /\bservice="([^"]+)"/.exec(challenge)?.[1];
  if (service !== undefined) url.searchParams.set('service', service);
  url.searchParams.set('scope', `repository:${repository}:pull`);
  const { token, access_token } = await (await get(url.href)).json();
  if (typeof (token ?? access_token) !== 'string') throw new Error(`${url.origin} gave no token`);
  return token ?? access_token;
}

async function archives() {
  const path = join(values.root, 'standalone/machine/temporal-archives.ts');
  const before = readFileSync(path, 'utf8');
  const version = /archiveVersion = '(v[\d.]+)'/.exec(before)?.[1];
  if (version === undefined) throw new Error(`${path} names no version`);
  const published = new Map(
    [...(await (await get(values.published)).text()).matchAll(/^([0-9a-f]{64}) [ *](\S+)$/gm)].map(([, sum, file]) => [
      file,
      sum,
    ]),
  );
  const lines = [];
  for (const platform of platforms) {
    const [system, processor] = platform.split('-');
    const arch = processor === 'x64' ? 'amd64' : processor;
    const url = `${values.downloads}/cli/archive/${version}?platform=${system}&arch=${arch}`;
    const sum = sha256(Buffer.from(await (await get(url)).arrayBuffer()));
    const file = `temporal_cli_${version.slice(1)}_${system}_${arch}.tar.gz`;
    if (published.get(file) !== sum)
      throw new Error(`${file} has the checksum ${sum}, and ${published.get(file) ?? 'none'} is published`);
    lines.push(`  '${platform}': '${sum}',\n`);
  }
  const table = /(export const archiveChecksums: Readonly<Record<string, string>> = )\{[^}]*\};/;
  if (!table.test(before)) throw new Error(`${path} has no table of checksums`);
  return { path, before, after: before.replace(table, (_all, start) => `${start}{\n${lines.join('')}};`) };
}

async function get(url, headers = {}, alsoWell = []) {
  const reply = await fetch(url, { headers, signal: AbortSignal.timeout(withinMs) }).catch((error) => {
    throw new Error(`${url} can't be reached (${error.cause?.code ?? error.name})`);
  });
  if (!reply.ok && !alsoWell.includes(reply.status)) throw new Error(`${url} was answered with ${reply.status}`);
  return reply;
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
