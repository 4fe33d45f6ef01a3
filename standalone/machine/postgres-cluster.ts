/** Makes PostgreSQL's cluster on disk: once, whole or not at all, readable for the user that PostgreSQL runs as. */
import { randomBytes } from 'node:crypto';
import { chmod, chown, lchown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import {
  brokenData,
  codeOf,
  diskFull,
  fromFileSystem,
  notReachable,
  otherPostgresMajor,
  postgresFailed,
} from './errors.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { sizeOf, spawnInGroup, tailOf } from './spawned.ts';
import { blockedFor } from './user.ts';
import type { RunAs } from './user.ts';

/** The superuser of the cluster, and the only one. */
export const user = 'ferry';

export type PostgresOptions = {
  /** Holds `postgres/` and the password file; made if missing. */
  readonly dataDir: string;
  /** A fixed port; without it, any free port. */
  readonly port?: number | undefined;
  /** false trades durability for speed; for tests only. */
  readonly durable: boolean;
  readonly logFile: string;
  /** Programs to use instead of those in the npm package; the user that PostgreSQL runs as must reach them. */
  readonly binaries?: PostgresBinaries | undefined;
  /** Where root keeps the copy of the programs. */
  readonly stateDir?: string | undefined;
  /** Stops the server while we wait until it answers. */
  readonly signal?: AbortSignal | undefined;
  /** Receives the pid as soon as there is one, before the server answers. */
  readonly onSpawn?: ((pid: number) => Promise<void>) | undefined;
};

/** Makes the directories. @throws StandaloneError not-writable, not-reachable, disk-full */
export async function prepareDirectory(dataDir: string, runAs: RunAs | undefined): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o711 });
    if (runAs === undefined) return;
    // We set the rights of this directory, but not of those above it.
    const { mode, uid } = await stat(dataDir);
    if (uid === 0 && (mode & 0o001) === 0) await chmod(dataDir, (mode & 0o777) | 0o011);
  } catch (error) {
    throw fromFileSystem(error, dataDir, "PostgreSQL's data");
  }
  const blocked = await blockedFor(dataDir, runAs);
  if (blocked !== undefined) throw notReachable(dataDir, blocked, runAs.name);
}

/**
 * Makes the cluster if it is missing, and returns the password. A cluster appears whole or not at all.
 * @throws StandaloneError other-postgres-major, broken-data, not-writable, disk-full, postgres-failed
 */
export async function ensureCluster(
  binaries: PostgresBinaries,
  cluster: string,
  options: PostgresOptions,
  runAs: RunAs | undefined,
): Promise<string> {
  const passwordFile = join(options.dataDir, 'postgres.password');
  const found = await clusterMajor(cluster);
  if (found !== undefined) {
    if (found !== binaries.major) throw otherPostgresMajor(cluster, found, binaries.major);
    if (runAs !== undefined) await handTo(cluster, runAs);
    try {
      return (await readFile(passwordFile, 'utf8')).trim();
    } catch (error) {
      throw brokenData(options.dataDir, `its file postgres.password cannot be read (${codeOf(error) ?? 'unknown'})`);
    }
  }
  const password = randomBytes(24).toString('base64url');
  const draft = `${cluster}.new`;
  try {
    await rm(draft, { recursive: true, force: true });
    await mkdir(draft, { mode: 0o700 });
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    await chmod(passwordFile, 0o600);
    if (runAs !== undefined) {
      await chown(draft, runAs.uid, runAs.gid);
      await chown(passwordFile, runAs.uid, runAs.gid);
    }
    await initdb(binaries, draft, passwordFile, options, runAs);
    // Only initdb has to read it as the other user.
    if (runAs !== undefined) await chown(passwordFile, 0, 0);
    await rename(draft, cluster);
  } catch (error) {
    throw fromFileSystem(error, options.dataDir, "PostgreSQL's data");
  }
  return password;
}

/** Gives a cluster of another user, or of an earlier version of Ferry, to the user that runs PostgreSQL. */
async function handTo(cluster: string, { uid, gid }: RunAs): Promise<void> {
  if ((await stat(cluster)).uid === uid) return;
  // The directory itself comes last, so that the next start repeats this if it is interrupted.
  for (const entry of await readdir(cluster, { recursive: true })) await lchown(join(cluster, entry), uid, gid);
  await chown(cluster, uid, gid);
}

async function clusterMajor(cluster: string): Promise<string | undefined> {
  try {
    return (await readFile(join(cluster, 'PG_VERSION'), 'utf8')).trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw fromFileSystem(error, cluster, "PostgreSQL's data");
  }
}

async function initdb(
  binaries: PostgresBinaries,
  cluster: string,
  passwordFile: string,
  options: PostgresOptions,
  runAs: RunAs | undefined,
): Promise<void> {
  const from = await sizeOf(options.logFile);
  const child = await spawnInGroup({
    command: binaries.initdb,
    args: [
      `--pgdata=${cluster}`,
      `--username=${user}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-locale',
      '--no-instructions',
      ...(options.durable ? [] : ['--no-sync']),
    ],
    env: childEnv(),
    cwd: dirname(cluster),
    logFile: options.logFile,
    runAs,
  });
  await options.onSpawn?.(child.pid);
  const { code } = await child.ended;
  if (code === 0) return;
  const log = await tailOf(options.logFile, from);
  if (/No space left on device/.test(log)) throw diskFull(options.dataDir);
  throw postgresFailed(options.logFile, `initdb ended with ${code ?? 'a signal'}${reasonIn(log)}`);
}

export function childEnv(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}

/** Returns the reason that a log gives for an end, as a part of a sentence, or an empty text. */
export function reasonIn(log: string): string {
  const lines = log.split('\n').filter((line) => /FATAL|PANIC|error:/.test(line));
  const last = lines.at(-1);
  if (last === undefined) return '';
  return `, saying "${last.replace(/^.*?(FATAL|PANIC|error):\s*/, '').trim()}"`;
}
