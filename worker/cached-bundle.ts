/**
 * The workflow bundle, kept between starts: making it takes a worker two seconds, most of its start. Its name tells what
 * it was made from, so one that fits is never stale.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const workflows = fileURLToPath(new URL('../workflows/', import.meta.url));

/** @returns the bundle's path; undefined where the directory can't be used, so that the worker makes its own */
export async function cachedBundle(directory: string): Promise<string | undefined> {
  try {
    const path = join(directory, `workflows-${await fingerprint()}.js`);
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

/** Of everything that a bundle is made from: the code of workflows may import nothing but their folder and the SDK. */
async function fingerprint(): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(workflows)).filter((name) => /\.[jt]s$/.test(name)).toSorted();
  for (const name of names) hash.update(`\n${name}\n`).update(await readFile(join(workflows, name)));
  const require = createRequire(import.meta.url);
  for (const name of ['@temporalio/workflow', '@temporalio/worker'])
    hash.update(await readFile(require.resolve(`${name}/package.json`)));
  return hash.digest('hex').slice(0, 20);
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await stat(path)).size > 0;
  } catch {
    return false;
  }
}
