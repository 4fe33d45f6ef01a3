/**
 * The workflows as one file, which Temporal's sandbox runs. Building it takes a worker two seconds, which is most of
 * its start, and needs sources that Node may transform; those of an installed package may not be transformed. Therefore
 * the bundle is built in advance (`npm run bundle`) or cached between starts. The first line of a bundle names the
 * sources it was built from; only a bundle that matches them is used.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { programFile } from '#config/tree.ts';
import { workflowVersion } from './workflow-version.ts';

/** What the worker runs if no bundle matches. */
export const workflowsPath = programFile('workflows/all.ts');

export type BundlePlaces = {
  /** A bundle that was built in advance. It may be absent. */
  readonly prebuilt: string;
  /** A directory that keeps bundles between starts. */
  readonly cache?: string | undefined;
};

/**
 * Returns the path of a matching bundle, and builds one in the cache if necessary. Undefined if there is none and no
 * usable cache; Temporal's worker then builds its own.
 * @param unfit called with the path of a prebuilt bundle that exists and does not match
 */
export async function findBundle(
  { prebuilt, cache }: BundlePlaces,
  unfit: (path: string) => void,
): Promise<string | undefined> {
  const source = await workflowVersion();
  const found = await check(prebuilt, source);
  if (found === 'fits') return prebuilt;
  if (found === 'unfit') unfit(prebuilt);
  if (cache === undefined) return undefined;
  const path = join(cache, `workflows-${source}.js`);
  if ((await check(path, source)) === 'fits') return path;
  try {
    await mkdir(cache, { recursive: true, mode: 0o700 });
    await makeBundle(path, source);
    return path;
  } catch {
    return undefined;
  }
}

/** Builds a bundle of the current workflows. Writes either all of it or nothing. */
export async function makeBundle(path: string, source?: string): Promise<void> {
  const madeFrom = source ?? (await workflowVersion());
  await mkdir(dirname(path), { recursive: true });
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${firstLine(madeFrom, code)}\n${code}`);
  await rename(draft, path);
}

async function check(path: string, source: string): Promise<'fits' | 'unfit' | 'absent'> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return 'absent';
  }
  const end = text.indexOf('\n');
  return end > 0 && text.slice(0, end) === firstLine(source, text.slice(end + 1)) ? 'fits' : 'unfit';
}

function firstLine(source: string, code: string): string {
  return `// Ferry's workflows, made from ${source}, whole as ${createHash('sha256').update(code).digest('hex')}`;
}
