// Digests and checksums that the release script learns.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { archiveVersion } from '#standalone/machine/temporal-archives.ts';
import { checkout } from '#test/support/process.ts';
import { tempDir, type TempDir } from '#test/support/temp.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const list = 'application/vnd.oci.image.index.v1+json';

describe('the release script', () => {
  let server: Server;
  let url = '';
  let temp: TempDir;
  /** What the other side answers wrongly, if anything. */
  let wrong: 'digest' | 'one-platform' | 'published' | 'archive' | null = null;
  const asked: string[] = [];

  before(async () => {
    temp = await tempDir();
    server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
      asked.push(pathname);
      const send = (text: string, headers: Record<string, string> = {}): void => {
        response.writeHead(200, headers).end(text);
      };
      if (pathname === '/token') return send(JSON.stringify({ token: `for ${searchParams.get('scope')}` }));
      if (pathname.startsWith('/v2/')) {
        const [, repository = ''] = /^\/v2\/(.+)\/manifests\//.exec(pathname) ?? [];
        if (request.headers.authorization !== `Bearer for repository:${repository}:pull`) {
          response.writeHead(401, { 'www-authenticate': `Bearer realm="${url}/token",service="images"` }).end();
          return;
        }
        const manifest = JSON.stringify({ of: pathname });
        const digest = `sha256:${sha256(wrong === 'digest' ? 'another' : manifest)}`;
        const type = wrong === 'one-platform' ? 'application/vnd.oci.image.manifest.v1+json' : list;
        return send(manifest, { 'content-type': type, 'docker-content-digest': digest });
      }
      if (pathname === '/checksums.txt') {
        const lines = ['linux_amd64', 'linux_arm64', 'darwin_amd64', 'darwin_arm64'].map((one) => {
          const sum = wrong === 'published' ? sha256('old') : sha256(`archive ${one}`);
          return `${sum}  temporal_cli_${archiveVersion.slice(1)}_${one}.tar.gz\n`;
        });
        return send(lines.join(''));
      }
      if (wrong !== 'archive' && pathname === `/cli/archive/${archiveVersion}`)
        return send(`archive ${searchParams.get('platform')}_${searchParams.get('arch')}`);
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  });
  after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await temp.remove();
  });

  const names = ['Dockerfile', 'docker-compose.yml', 'standalone/machine/temporal-archives.ts'];
  const copy = async (label: string): Promise<string> => {
    const root = join(temp.path, label);
    await mkdir(join(root, 'standalone/machine'), { recursive: true });
    for (const name of names) await cp(join(checkout, name), join(root, name));
    return root;
  };
  const all = (root: string): Promise<string[]> => Promise.all(names.map((name) => readFile(join(root, name), 'utf8')));
  const run = (root: string, ...more: string[]): Promise<{ code: number; err: string }> =>
    new Promise((resolve) => {
      const args = ['.ci/release.js', '--registry', url, '--published', `${url}/checksums.txt`, '--downloads', url];
      execFile(process.execPath, [...args, '--root', root, ...more], { cwd: checkout }, (error, _out, err) =>
        resolve({ code: error === null ? 0 : Number(error.code), err }),
      );
    });

  it('names every image by its digest and every archive by its checksum, and running it again changes nothing', async () => {
    const root = await copy('whole');
    assert.equal((await run(root, '--check')).code, 1, 'something would change');
    assert.deepEqual(await all(root), await all(checkout), 'a check writes nothing');
    assert.deepEqual(await run(root), { code: 0, err: '' });
    const [dockerfile = '', compose = '', archives = ''] = await all(root);
    const postgres = /image: (postgres:[\w.-]+)@sha256:([0-9a-f]{64})$/m.exec(compose);
    const [, tag] = postgres?.[1]?.split(':') ?? [];
    assert.equal(postgres?.[2], sha256(JSON.stringify({ of: `/v2/library/postgres/manifests/${tag}` })));
    for (const [line] of compose.matchAll(/^ +image: .*$/gm))
      assert.match(line, /image: (?:ticket-ferry:[\d.]+|[a-z/-]+:[\w.-]+@sha256:[0-9a-f]{64})$/);
    assert.equal(dockerfile.match(/^FROM node:[\w.-]+@sha256:[0-9a-f]{64}(?: AS build)?$/gm)?.length, 2);
    const filled: { archiveChecksums: Record<string, string> } = await import(join(root, names[2] ?? ''));
    assert.deepEqual(
      { ...filled.archiveChecksums },
      {
        'linux-x64': sha256('archive linux_amd64'),
        'linux-arm64': sha256('archive linux_arm64'),
        'darwin-x64': sha256('archive darwin_amd64'),
        'darwin-arm64': sha256('archive darwin_arm64'),
      },
    );
    assert.deepEqual(await run(root, '--check'), { code: 0, err: '' });
    assert.ok(archives.includes(archiveVersion));
  });

  it('writes nothing at all where anything is not as the other side says', async () => {
    const root = await copy('wrong');
    const untouched = await all(root);
    for (const [one, words] of [
      ['digest', /the registry says sha256:/],
      ['one-platform', /no list of manifests for all platforms/],
      ['published', /has the checksum [0-9a-f]{64}, and [0-9a-f]{64} is published/],
      ['archive', /was answered with 404/],
    ] as const) {
      wrong = one;
      const { code, err } = await run(root);
      wrong = null;
      assert.equal(code, 1, one);
      assert.match(err, words);
      assert.match(err, /nothing was written\n$/);
      assert.deepEqual(await all(root), untouched, one);
    }
  });
});

describe('a new version', () => {
  const named = [
    ...['package.json', 'package-lock.json', 'docker-compose.yml', 'README.md', 'docs/running.md', 'CHANGELOG.md'],
  ];
  let temp: TempDir;
  before(async () => {
    temp = await tempDir();
    await mkdir(join(temp.path, 'docs'));
    for (const name of named) await cp(join(checkout, name), join(temp.path, name));
  });
  after(() => temp.remove());

  const set = (...args: string[]): Promise<number> =>
    new Promise((resolve) => {
      execFile(process.execPath, ['.ci/set-version.js', ...args, '--root', temp.path], { cwd: checkout }, (error) =>
        resolve(error === null ? 0 : Number(error.code)),
      );
    });
  const read = (name: string): Promise<string> => readFile(join(temp.path, name), 'utf8');

  it('is written wherever the old one was named, and once only', async () => {
    const { version: old } = JSON.parse(await read('package.json')) as { version: string };
    assert.equal(await set('9.8.7', '--date', '2031-02-03'), 0);
    for (const name of ['package.json', 'package-lock.json'])
      assert.equal((JSON.parse(await read(name)) as { version: string }).version, '9.8.7');
    const { packages } = JSON.parse(await read('package-lock.json')) as {
      packages: Record<string, { version: string }>;
    };
    assert.equal(packages['']?.version, '9.8.7');
    assert.match(await read('docker-compose.yml'), /^ +image: ticket-ferry:9\.8\.7$/m);
    assert.match(await read('CHANGELOG.md'), /^## 9\.8\.7 \(2031-02-03\)$/m);
    for (const name of ['docker-compose.yml', 'docs/running.md'])
      assert.doesNotMatch(await read(name), new RegExp(`ticket-ferry[:-]${old.replaceAll('.', '\\.')}`), name);
    assert.equal(await set('9.8.8', '--date', '2031-02-04'), 1, 'the change log has nothing that is unreleased');
    assert.equal((JSON.parse(await read('package.json')) as { version: string }).version, '9.8.7');
  });

  it('is not built from something that is not a version or has no date', async () => {
    assert.equal(await set('9.9', '--date', '2031-02-03'), 64);
    assert.equal(await set('9.9.9'), 64);
  });
});
