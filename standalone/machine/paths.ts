/** The paths of all files of one start. */
import { rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

import { isInstalled, tree } from '#config/tree.ts';
import { codeOf } from './errors.ts';

export type Paths = {
  readonly data: string;
  readonly temporal: string;
  readonly blobs: string;
  readonly twins: string;
  readonly logs: string;
  readonly ports: string;
  readonly secretKey: string;
  /** Variables with the addresses and secrets of the demo's desks. */
  readonly demo: string;
};

/** Returns the default directory: beside the checkout, or the user's data directory, or for root that of services. */
export function defaultDataDir(isRoot: boolean = process.getuid?.() === 0): string {
  if (isRoot) return '/var/lib/ferry/data';
  if (!isInstalled) return join(tree, '.ferry');
  const { XDG_DATA_HOME, HOME } = process.env;
  return join(XDG_DATA_HOME || join(HOME || homedir(), '.local', 'share'), 'ferry');
}

export function pathsIn(dataDir: string): Paths {
  const data = resolve(dataDir);
  return {
    data,
    temporal: join(data, 'temporal'),
    blobs: join(data, 'blobs'),
    twins: join(data, 'twins'),
    logs: join(data, 'logs'),
    ports: join(data, 'ports.json'),
    secretKey: join(data, 'secret.key'),
    demo: join(data, 'demo.env'),
  };
}

export function logFile(paths: Paths, name: string): string {
  return join(paths.logs, `${name}.log`);
}

/** The parts that a reset wipes together; the lock and the ports stay. */
const wiped = [
  'postgres',
  'postgres.new',
  'postgres.password',
  'temporal',
  'twins',
  'rt',
  'blobs',
  'secret.key',
  'demo.env',
];

/** Wipes the data. Renames each part first, so that a half-deleted one is never used. */
export async function wipe(dataDir: string): Promise<void> {
  for (const name of wiped) {
    const [path, doomed] = [join(dataDir, name), join(dataDir, `${name}.wiped`)];
    await rm(doomed, { recursive: true, force: true });
    try {
      await rename(path, doomed);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
  for (const name of wiped) await rm(join(dataDir, `${name}.wiped`), { recursive: true, force: true });
}

const longestLog = 10 * 1024 * 1024;

/** Renames the current log, to keep one old log beside the new one. */
export async function rotateLog(file: string): Promise<void> {
  try {
    if ((await stat(file)).size > longestLog) await rename(file, `${file}.1`);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
