// The package as somebody installs it: packed from this checkout, installed into an empty folder, started there.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { delimiter, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { anyFreePort } from '#standalone/machine/ports.ts';
import { checkout, startProgram, type Program } from '#test/support/process.ts';
import { tempDir, type TempDir } from '#test/support/temp.ts';
import { until } from '#test/support/wait.ts';

type Manifest = {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly bundleDependencies: readonly string[];
};

const run = promisify(execFile);
const plenty = { maxBuffer: 64 * 1024 * 1024 };
const manifest = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as Manifest;
/** npm is run by the Node that this machine has, not by the one that npm put first for us. */
const path = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter);

let temp: TempDir;
let archive: string;
/** The directory of the unpacked archive. */
let unpacked: string;
/** Of the package, forward slashes. */
let paths: readonly string[];
let own: readonly string[];

function read(file: string): Promise<string> {
  return readFile(join(unpacked, file), 'utf8');
}

async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run('npm', [...args], { cwd, env: { ...process.env, PATH: path }, ...plenty });
  return stdout + stderr;
}

before(
  async () => {
    temp = await tempDir(0o755);
    // As npm does it: prepack runs first.
    await run('npm', ['pack', '--pack-destination', temp.path], { cwd: checkout, ...plenty });
    const [name = ''] = (await readdir(temp.path)).filter((file) => file.endsWith('.tgz'));
    archive = join(temp.path, name);
    await run('tar', ['-xzf', archive, '-C', temp.path]);
    unpacked = join(temp.path, 'package');
    paths = await readdir(unpacked, { recursive: true });
    own = paths.filter((file) => !file.startsWith('node_modules'));
  },
  { timeout: 240_000 },
);
after(() => temp.remove());

describe('the package', () => {
  it('is JavaScript, with everything that programs read beside their code', async () => {
    const migrations = (await readdir(join(checkout, 'db/migrations'))).filter((name) => name.endsWith('.sql'));
    assert.ok(migrations.length > 10);
    const assets = await readdir(join(checkout, 'standalone/page/assets'));
    const wanted = [
      ...['bin/ferry.js', 'dist/cli/main.js', 'dist/workflows.js', 'dist/sbom.cdx.json', 'LICENSE', 'SECURITY.md'],
      ...['dist/connectors/rt/setup.pl', 'dist/twins/halo/pages/style.css', 'examples/acme-northwind.yaml'],
      ...migrations.map((name) => `dist/db/migrations/${name}`),
      ...assets.map((name) => `dist/standalone/page/assets/${name}`),
    ];
    assert.deepEqual(
      wanted.filter((file) => !paths.includes(file)),
      [],
    );
  });

  it('has no source, no test, no stand-in but those of the demo, no secret and no data', () => {
    const unwanted = own.filter(
      (file) =>
        (file.endsWith('.ts') && !file.startsWith('examples/')) ||
        /^(?:dist\/)?(?:test|bench|faults|\.ci|\.ferry)\/|\.env|\.log$/.test(file) ||
        (/^dist\/twins\/./.test(file) && !/^dist\/twins\/halo(?:\/|$)/.test(file)),
    );
    assert.deepEqual(unwanted, []);
  });

  it('imports only files that are in it, and only packages that it names as dependencies', async () => {
    const wrong: string[] = [];
    const programs = own.filter((file) => /^(?:bin|dist)\/.*\.js$/.test(file) && file !== 'dist/workflows.js');
    assert.ok(programs.length > 400);
    for (const file of programs) {
      const source = await read(file);
      for (const [, from = ''] of source.matchAll(/^(?:import|export)\b(?:[^'";=]*?\bfrom)? ['"]([^'"\n]+)['"];/gm))
        if (!isThere(file, from)) wrong.push(`${file} imports ${from}`);
      for (const [, from = ''] of source.matchAll(/\bimport\(['"]([^'"\n]+)['"]\)/g))
        if (!isThere(file, from)) wrong.push(`${file} imports ${from}`);
    }
    assert.deepEqual(wrong, []);
  });

  it('bundles every dependency that needs a newer Node than the oldest that may run npm, so that npm prints no warning', async () => {
    const { packages } = JSON.parse(await readFile(join(checkout, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean; optional?: boolean }>;
    };
    const missing = Object.entries(packages)
      .filter(([name, { dev, optional }]) => name !== '' && dev !== true && optional !== true)
      .map(([name]) => name)
      .filter((name) => wantsNewer(join(checkout, name)) && !existsSync(join(unpacked, name)));
    assert.deepEqual(missing, [], 'bundleDependencies of package.json');
    for (const name of manifest.bundleDependencies) assert.ok(paths.includes(`node_modules/${name}`), name);
  });

  it('lists all it consists of, with checksums', async () => {
    const bom = JSON.parse(await read('dist/sbom.cdx.json')) as {
      bomFormat: string;
      metadata: { component: { name: string; version: string } };
      components: { name: string; version: string; group?: string; hashes?: { alg: string }[] }[];
    };
    assert.equal(bom.bomFormat, 'CycloneDX');
    assert.equal(bom.metadata.component.name, 'ticket-ferry');
    const known = new Set(
      bom.components.map(
        ({ group, name, version }) =>
          `${group === undefined || name.startsWith('@') ? '' : `${group}/`}${name}@${version}`,
      ),
    );
    for (const [name, version] of Object.entries(manifest.dependencies))
      assert.ok(known.has(`${name}@${version}`), name);
    assert.deepEqual(
      bom.components.filter(({ hashes }) => hashes?.some(({ alg }) => alg === 'SHA-512') !== true),
      [],
    );
  });

  it('has checksums beside it that anybody can check, of itself and of that list', async () => {
    await run(process.execPath, [join(checkout, '.ci/checksums.js'), archive]);
    const { stdout } = await run('sha256sum', ['--check', 'SHA256SUMS'], { cwd: temp.path });
    assert.equal(stdout.match(/: OK$/gm)?.length, 2);
  });
});

/** Whether a specifier of a file in the package leads to something that is there when it was installed. */
function isThere(file: string, from: string): boolean {
  if (from.startsWith('#')) return paths.includes(`dist/${from.slice(1).replace(/\.ts$/, '.js')}`);
  if (from.startsWith('.')) return paths.includes(join(file, '..', from));
  if (from.startsWith('node:') || builtinModules.includes(from)) return true;
  const [first = '', second = ''] = from.split('/');
  return Object.hasOwn(manifest.dependencies, first.startsWith('@') ? `${first}/${second}` : first);
}

/** Whether a package says that it wants a later Node than 20. */
function wantsNewer(folder: string): boolean {
  const { engines } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { engines?: { node?: string } };
  const least = /^>=\s*(\d+)/.exec(engines?.node ?? '')?.[1];
  return Number(least ?? 0) > 20;
}

describe('the package, installed', () => {
  const within = { timeout: 600_000 };
  let program: Program | undefined;
  after(() => program?.stop(60_000));

  it(
    'starts by `npx ticket-ferry start` in a folder that was empty, carries a ticket, and leaves nothing running',
    within,
    async () => {
      const folder = join(temp.path, 'empty');
      const data = join(temp.path, 'data');
      await mkdir(folder);
      const said = await npm(folder, 'install', '--prefer-offline', archive);
      assert.doesNotMatch(said, /EBADENGINE|deprecated|npm error/);
      assert.ok(realpathSync(join(folder, 'node_modules/ticket-ferry')).startsWith(realpathSync(folder)));

      const npx = (...args: readonly string[]): Promise<Program> =>
        startProgram({
          ...{ program: 'ticket-ferry', command: 'npx', cwd: folder, env: { PATH: path } },
          args: ['--no', 'ticket-ferry', ...args, '--data', data],
          detached: true,
        });
      const ports: string[] = [];
      for (const what of ['', 'page-', 'acme-', 'northwind-', 'temporal-', 'postgres-'])
        ports.push(`--${what}port`, String(await anyFreePort()));
      program = await npx('start', '--json', ...ports);
      const [line] = await program.line(/^\{"ready".*\}$/m, 240_000);
      const ready = JSON.parse(line) as {
        logs: string;
        pids: Record<string, number>;
        demo: { curl: { escalate: string; show: string } };
        page: { url: string };
      };
      assert.equal((await fetch(ready.page.url)).status, 200);
      await run('/bin/sh', ['-c', ready.demo.curl.escalate]);
      await until(async () => (await run('/bin/sh', ['-c', ready.demo.curl.show])).stdout.includes('VPN drops'), {
        ...{ what: 'the ticket at Northwind', timeoutMs: 90_000, everyMs: 250 },
      });
      const status = await npx('status');
      // One customer of the demo is in trouble, which exit code 2 reports.
      assert.equal((await status.ended).code, 2, status.output());
      assert.match(status.stdout(), /^acme-northwind +live +acme +northwind +1 /m);
      assert.doesNotMatch(await readFile(join(ready.logs, 'worker.log'), 'utf8'), /built from different code/);
      // As Ctrl-C does: the whole group of processes gets it, npx among them, which ends by it.
      process.kill(-program.pid, 'SIGINT');
      await program.ended;
      assert.match(program.stderr(), /^stopped$/m);
      for (const pid of Object.values(ready.pids)) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
      const unexpected = program.stderr().replaceAll(/^(?:starting|linking|open|stopping|stopped).*\n/gm, '');
      assert.equal(unexpected.trim(), '');
    },
  );

  it('gives the command `ferry` where it is installed globally', within, async () => {
    const prefix = join(temp.path, 'global');
    // The remaining needs of `ferry start` were tested above, and are large.
    await npm(temp.path, 'install', '--global', '--prefix', prefix, '--prefer-offline', '--omit=optional', archive);
    const ferry = await startProgram({
      ...{ program: 'ferry', command: join(prefix, 'bin/ferry'), args: ['--version'], cwd: '/' },
    });
    assert.equal((await ferry.ended).code, 0, ferry.output());
    assert.equal(ferry.stdout().trim(), manifest.version);
  });
});
