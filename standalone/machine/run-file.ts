/** Records the processes that run on a data directory, so that the next start can end what this one left. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The processes in the order in which they are stopped. */
export const childNames = ['gateway', 'worker', 'acme', 'northwind', 'temporal', 'postgres'] as const;
export type ChildName = (typeof childNames)[number];

export type RecordedProcess = {
  readonly pid: number;
  /** See startTimeOf; the pid alone may later belong to another process. */
  readonly started: string;
};

export type RecordedChild = RecordedProcess & { readonly name: ChildName };

export type Phase = 'starting' | 'running' | 'stopping';

export type RunFile = {
  readonly version: 1;
  readonly phase: Phase;
  readonly starter: RecordedProcess;
  readonly children: readonly RecordedChild[];
};

function pathIn(dataDir: string): string {
  return join(dataDir, 'run.json');
}

/** Reads the file; undefined if it is missing or unreadable, because then nothing can be ended safely. */
export async function readRunFile(dataDir: string): Promise<RunFile | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(pathIn(dataDir), 'utf8'));
    return isRunFile(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export async function writeRunFile(dataDir: string, content: RunFile): Promise<void> {
  const draft = `${pathIn(dataDir)}.draft`;
  await writeFile(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, pathIn(dataDir));
}

export async function removeRunFile(dataDir: string): Promise<void> {
  await rm(pathIn(dataDir), { force: true });
}

function isRunFile(value: unknown): value is RunFile {
  if (!isObject(value) || value['version'] !== 1) return false;
  const { starter, children } = value;
  return isRecorded(starter) && Array.isArray(children) && children.every(isRecordedChild);
}

function isRecordedChild(value: unknown): boolean {
  return isRecorded(value) && childNames.some((name) => name === value['name']);
}

function isRecorded(value: unknown): value is Record<string, unknown> {
  return (
    isObject(value) &&
    Number.isInteger(value['pid']) &&
    Number(value['pid']) > 1 &&
    typeof value['started'] === 'string'
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
