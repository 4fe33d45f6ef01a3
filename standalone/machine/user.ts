// Whom root lends to programs that must not run as root. PostgreSQL gets a user of its own, because whoever shares its
// user reads its files and can end it; what the demo shows besides runs as the user that every system has for nothing.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export type RunAs = { readonly name: string; readonly uid: number; readonly gid: number };

const run = promisify(execFile);
const ownUser = 'ferry-postgres';

/**
 * The user for PostgreSQL, created once; undefined when we are not root and it runs as ourselves. Where the system has no
 * `useradd`, PostgreSQL runs as nobody.
 */
export async function postgresUser(): Promise<RunAs | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const there = await lookUp(ownUser);
  if (there !== undefined) return there;
  await createUser(ownUser).catch(() => undefined);
  // Another start may have been faster; what counts is that it is there.
  return (await lookUp(ownUser)) ?? unprivilegedUser();
}

/** The user `nobody`, or undefined when we are not root. */
export async function unprivilegedUser(): Promise<RunAs | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  return (await lookUp('nobody')) ?? { name: 'nobody', uid: 65534, gid: 65534 };
}

async function createUser(name: string): Promise<void> {
  await run('useradd', [
    ...['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent'],
    ...['--shell', '/usr/sbin/nologin', '--comment', "Ferry's PostgreSQL", name],
  ]);
}

async function lookUp(name: string): Promise<RunAs | undefined> {
  const [uid, gid] = await Promise.all([idOf('-u', name), idOf('-g', name)]);
  return uid === undefined || gid === undefined ? undefined : { name, uid, gid };
}

async function idOf(flag: '-u' | '-g', name: string): Promise<number | undefined> {
  try {
    const { stdout } = await run('id', [flag, name]);
    const id = Number(stdout.trim());
    return Number.isInteger(id) && id > 0 ? id : undefined;
  } catch {
    return undefined;
  }
}

/** The topmost directory on the way to `path` that `user` may not enter, or undefined. */
export async function blockedFor(path: string, user: RunAs): Promise<string | undefined> {
  const parents: string[] = [];
  for (let dir = path; ; dir = dirname(dir)) {
    parents.unshift(dir);
    if (dir === dirname(dir)) break;
  }
  for (const dir of parents) {
    const { uid, gid, mode } = await stat(dir);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return dir;
  }
  return undefined;
}
