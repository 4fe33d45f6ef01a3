/** The workflow bundle, made once per test file instead of once per worker. */
import { rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findBundle } from '#worker/bundle.ts';
import { tempDir } from '#test/support/temp.ts';

const written = new Map<string, Promise<string>>();

/** Path of the bundle in `directory`. */
export function workflowBundle(directory: string): Promise<string> {
  let path = written.get(directory);
  if (path === undefined) {
    path = write(directory);
    written.set(directory, path);
  }
  return path;
}

async function write(directory: string): Promise<string> {
  const path = join(directory, 'workflows.js');
  await copyFile(await bundleIn(await bundleCache()), path);
  return path;
}

async function bundleIn(cache: string): Promise<string> {
  const path = await findBundle({ prebuilt: '', cache }, () => undefined);
  if (path === undefined) throw new Error(`no bundle can be made in ${cache}`);
  return path;
}

let cache: Promise<string> | undefined;

/** A directory for `--bundle-cache` that has the bundle already. */
export function bundleCache(): Promise<string> {
  cache ??= tempDir().then(async ({ path }) => {
    process.once('exit', () => rmSync(path, { recursive: true, force: true }));
    await bundleIn(path);
    return path;
  });
  return cache;
}
