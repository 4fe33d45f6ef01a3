/**
 * Finds a Temporal CLI, in the order that the README promises. It reaches the outside only through `tools`, so that tests can
 * replace them.
 */
import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

import { temporalNotFound, temporalTooOld } from './errors.ts';
import { isExecutable, onThePath } from './executables.ts';
import { downloadTemporal } from './temporal-download.ts';
import { goInstallTemporal } from './temporal-build.ts';

const run = promisify(execFile);

export const minimumCli = '1.5.0';
export const minimumServer = '1.29.0';

export type Progress = (line: string) => void;

export type FoundTemporal = {
  readonly path: string;
  readonly from: 'path' | 'go' | 'cache' | 'download' | 'build';
};

export type FindOptions = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where Ferry keeps what it downloaded or built, outside the checkout. */
  readonly cacheDir: string;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Accepts a download that has no pinned checksum. */
  readonly uncheckedDownload?: boolean | undefined;
  readonly download?: typeof downloadTemporal;
  readonly build?: typeof goInstallTemporal;
};

/**
 * Returns the CLI to start: on the PATH, in Go's `bin` folder, in Ferry's cache, downloaded, or built. The caller handles
 * TEMPORAL_ADDRESS, which has priority over all of these.
 * @throws StandaloneError temporal-not-found, which lists what was tried, or temporal-too-old
 */
export async function findTemporal(options: FindOptions): Promise<FoundTemporal> {
  const tried: string[] = ['TEMPORAL_ADDRESS (not set)'];
  const onPath = await onThePath('temporal', options.env);
  if (onPath !== undefined) return { path: await recentEnough(onPath), from: 'path' };
  tried.push('temporal on the PATH (not there)');

  for (const dir of goFolders(options.env)) {
    const path = join(dir, 'temporal');
    if ((await isExecutable(path)) && (await versionOf(path)).recent) return { path, from: 'go' };
  }

  const cached = join(options.cacheDir, 'temporal');
  if (await isExecutable(cached)) {
    if ((await versionOf(cached)).recent) return { path: cached, from: 'cache' };
    tried.push(`Ferry's cache ${options.cacheDir} (too old or broken)`);
  } else tried.push(`Ferry's cache ${options.cacheDir} (empty)`);

  const download = options.download ?? downloadTemporal;
  const build = options.build ?? goInstallTemporal;
  for (const [what, fetchIt, from] of [
    ['a download', download, 'download'],
    ['go install', build, 'build'],
  ] as const) {
    try {
      await fetchIt({ ...options, unchecked: options.uncheckedDownload, target: cached });
      const version = await versionOf(cached);
      if (version.recent) return { path: cached, from };
      tried.push(`${what} (gave ${version.text})`);
    } catch (error) {
      options.signal?.throwIfAborted();
      tried.push(`${what} (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  throw temporalNotFound(tried);
}

/** Returns the current user's cache directory, outside the checkout. */
export function cacheDirectory(env: Readonly<Record<string, string | undefined>>): string {
  if (process.getuid?.() === 0) return '/var/lib/ferry/cache';
  const base = env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache');
  return join(base, 'ferry');
}

function goFolders(env: Readonly<Record<string, string | undefined>>): string[] {
  const folders = [];
  if (env['GOBIN']) folders.push(env['GOBIN']);
  for (const path of (env['GOPATH'] ?? '').split(delimiter)) if (path !== '') folders.push(join(path, 'bin'));
  const home = env['HOME'];
  if (home) folders.push(join(home, 'go', 'bin'));
  return folders;
}

async function recentEnough(path: string): Promise<string> {
  const version = await versionOf(path);
  if (version.recent) return path;
  throw temporalTooOld(
    path,
    version.text,
    minimumCli,
    'update it, or remove it from the PATH to let Ferry download its own',
  );
}

export type CliVersion = { readonly text: string; readonly recent: boolean };

/** Asks a CLI for its version; a CLI that does not answer counts as old. */
export async function versionOf(path: string): Promise<CliVersion> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 30_000 });
    return readVersion(stdout);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'it failed';
    return { text: `a program that does not print its version (${reason})`, recent: false };
  }
}

/** Reads `temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)`; one built by `go install` calls itself 0.0.0-DEV. */
export function readVersion(output: string): CliVersion {
  const cli = /temporal version (\d+\.\d+\.\d+\S*)/.exec(output)?.[1];
  const server = /Server (\d+\.\d+\.\d+)/.exec(output)?.[1];
  if (cli === undefined) return { text: 'of an unknown version', recent: false };
  const recent = cli.startsWith('0.0.0')
    ? server !== undefined && isAtLeast(server, minimumServer)
    : isAtLeast(cli, minimumCli);
  return { text: server === undefined ? cli : `${cli} (server ${server})`, recent };
}

export function isAtLeast(version: string, minimum: string): boolean {
  const [have, need] = [numbers(version), numbers(minimum)];
  for (let i = 0; i < 3; i += 1) {
    const [a, b] = [have[i] ?? 0, need[i] ?? 0];
    if (a !== b) return a > b;
  }
  return true;
}

function numbers(version: string): number[] {
  return version.split(/[.+-]/, 3).map((part) => Number.parseInt(part, 10) || 0);
}
