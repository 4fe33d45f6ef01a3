/**
 * The users for programs that must not run as root. PostgreSQL gets its own user, because a program with the same user could
 * read its files and end it; the demo's other programs run as `nobody`.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export type RunAs = { readonly name: string; readonly uid: number; readonly gid: number };

const run = promisify(execFile);
const ownUser = 'ferry-postgres';

/**
 * Returns the user for PostgreSQL, created once; undefined if we are not root, because then it runs as ourselves. If the
 * system has no `useradd`, PostgreSQL runs as `nobody`.
 */
export async function postgresUser(): Promise<RunAs | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const there = await lookUp(ownUser);
  if (there !== undefined) return there;
  await createUser(ownUser).catch(() => undefined);
  // Another start may have been faster; any existing user is fine.
  return (await lookUp(ownUser)) ?? unprivilegedUser();
}

/** Returns the user `nobody`, or undefined if we are not root. */
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

/** Returns the topmost directory on the way to `path` that `user` may not enter, or undefined. */
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
