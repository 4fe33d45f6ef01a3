/** The workflow bundle, made once per test file instead of once per worker. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { workflowsPath } from '#workflows/run-worker.ts';

const made = new Map<string, Promise<string>>();

/** Path of the bundle in `directory`. */
export function workflowBundle(directory: string): Promise<string> {
  let path = made.get(directory);
  if (path === undefined) {
    path = bundle(directory);
    made.set(directory, path);
  }
  return path;
}

async function bundle(directory: string): Promise<string> {
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  const path = join(directory, 'workflows.js');
  await writeFile(path, code);
  return path;
}
