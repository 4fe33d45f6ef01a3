/**
 * The workflow bundle, kept between starts: making it takes a worker two seconds, most of its start. Its name tells what
 * it was made from, so one that fits is never stale.
 */
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { workflowVersion } from './workflow-version.ts';

const workflows = fileURLToPath(new URL('../workflows/', import.meta.url));

/** @returns the bundle's path; undefined where the directory can't be used, so that the worker makes its own */
export async function cachedBundle(directory: string): Promise<string | undefined> {
  try {
    const path = join(directory, `workflows-${await workflowVersion()}.js`);
    if (await isThere(path)) return path;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const { code } = await bundleWorkflowCode({
      workflowsPath: join(workflows, 'all.ts'),
      logger: new DefaultLogger('WARN'),
    });
    const draft = `${path}.${process.pid}`;
    await writeFile(draft, code, { mode: 0o600 });
    await rename(draft, path);
    return path;
  } catch {
    return undefined;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await stat(path)).size > 0;
  } catch {
    return false;
  }
}
