// Whom PostgreSQL runs as. It refuses to run as root, so root lends it the unprivileged user
// that every system has; no user is ever created.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export type RunAs = { readonly name: string; readonly uid: number; readonly gid: number };

const run = promisify(execFile);

/** The user for PostgreSQL, or undefined when we are not root and it runs as ourselves. */
export async function unprivilegedUser(): Promise<RunAs | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const uid = await idOf('-u');
  const gid = await idOf('-g');
  return { name: 'nobody', uid: uid ?? 65534, gid: gid ?? 65534 };
}

async function idOf(flag: '-u' | '-g'): Promise<number | undefined> {
  try {
    const { stdout } = await run('id', [flag, 'nobody']);
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
