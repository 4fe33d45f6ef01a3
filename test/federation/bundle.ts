/** The workflow bundle, made once per test file instead of once per worker. */
import { rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { cachedBundle } from '#worker/cached-bundle.ts';
import { workflowsPath } from '#worker/run-worker.ts';
import { tempDir } from '#test/support/temp.ts';

const written = new Map<string, Promise<string>>();
let made: Promise<string> | undefined;

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
  made ??= bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') }).then(({ code }) => code);
  const path = join(directory, 'workflows.js');
  await writeFile(path, await made);
  return path;
}

let cache: Promise<string> | undefined;

/** A directory for `--bundle-cache` that has the bundle already. */
export function bundleCache(): Promise<string> {
  cache ??= tempDir().then(async ({ path }) => {
    process.once('exit', () => rmSync(path, { recursive: true, force: true }));
    await cachedBundle(path);
    return path;
  });
  return cache;
}
