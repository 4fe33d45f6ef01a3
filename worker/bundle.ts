/**
 * The workflows as one file, which Temporal's sandbox runs. Making it takes a worker two seconds, most of its start, and
 * needs sources that Node may transform, which those of an installed package are not. So it is made before (`npm run
 * bundle`) or kept between starts. The first line of a bundle says what it was made from; only one that fits is used.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { programFile } from '#config/tree.ts';
import { workflowVersion } from './workflow-version.ts';

/** What the worker runs where no bundle fits. */
export const workflowsPath = programFile('workflows/all.ts');

export type BundlePlaces = {
  /** A bundle that was made before; need not be there. */
  readonly prebuilt: string;
  /** A directory that keeps bundles between starts. */
  readonly cache?: string | undefined;
};

/**
 * The path of a bundle that fits, made in the cache if need be. Undefined where there is none and no cache that can be
 * used, so that Temporal's worker makes its own.
 * @param unfit hears of a prebuilt bundle that is there and does not fit
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

/** Makes a bundle of the workflows as they are, whole or not at all. */
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
