/** A store of files that is small enough to be filled. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const storeBytes = 24 * 1024 * 1024;

/** A file system of its own in memory; false where only root may have one. */
export async function mountSmall(directory: string): Promise<boolean> {
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${storeBytes}`, 'ferry-faults', directory]);
    return true;
  } catch {
    return false;
  }
}

/** Also where somebody still has a file of it open. */
export function unmountNow(directory: string): void {
  spawnSync('umount', ['--lazy', directory], { stdio: 'ignore' });
}
