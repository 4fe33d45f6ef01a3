/** A store of files that is small enough to be filled. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const storeBytes = 24 * 1024 * 1024;

/** Mounts a separate file system in memory. False if only root may do that. */
export async function mountSmall(directory: string): Promise<boolean> {
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${storeBytes}`, 'ferry-faults', directory]);
    return true;
  } catch {
    return false;
  }
}

/** Works even while somebody still has one of its files open. */
export function unmountNow(directory: string): void {
  spawnSync('umount', ['--lazy', directory], { stdio: 'ignore' });
}
