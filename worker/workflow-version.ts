/** Tells which workflow code this is. Workers of one version share a queue, and never see another version's runs. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { tree } from '#config/tree.ts';

const workflows = join(tree, 'workflows');

/**
 * Returns the version of the workflows' code: a fingerprint of everything that goes into a bundle. The workflows' code
 * may import nothing but its own folder and the SDK.
 */
export async function workflowVersion(): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(workflows)).filter((name) => /\.[jt]s$/.test(name)).toSorted();
  for (const name of names) hash.update(`\n${name}\n`).update(await readFile(join(workflows, name)));
  const require = createRequire(import.meta.url);
  for (const name of ['workflow', 'worker', 'common'])
    hash.update(await readFile(require.resolve(`@temporalio/${name}/package.json`)));
  return hash.digest('hex').slice(0, 20);
}
