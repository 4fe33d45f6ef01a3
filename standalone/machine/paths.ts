// Where everything of one start lies.
import { rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { codeOf } from './errors.ts';

export type Paths = {
  readonly data: string;
  readonly temporal: string;
  readonly blobs: string;
  readonly twins: string;
  readonly logs: string;
  readonly ports: string;
  readonly secretKey: string;
  readonly adminToken: string;
  /** Variables with the addresses and secrets of the demo's desks. */
  readonly demo: string;
};

const checkout = fileURLToPath(new URL('../../', import.meta.url));

/** Beside the checkout, or where root keeps a service's state. */
export function defaultDataDir(isRoot: boolean = process.getuid?.() === 0): string {
  return isRoot ? '/var/lib/ferry/data' : join(checkout, '.ferry');
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
    adminToken: join(data, 'admin.token'),
    demo: join(data, 'demo.env'),
  };
}

export function logFile(paths: Paths, name: string): string {
  return join(paths.logs, `${name}.log`);
}

export function programFile(program: string): string {
  return join(checkout, program);
}

/** Everything that belongs to one state of affairs goes together; the lock and the ports stay. */
const wiped = [
  'postgres',
  'postgres.new',
  'postgres.password',
  'temporal',
  'twins',
  'rt',
  'blobs',
  'secret.key',
  'admin.token',
  'demo.env',
];

/** Wipes the data. Each part is first renamed, so that one that is half deleted is never taken for a whole one. */
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

/** Keeps one old log beside the current one. */
export async function rotateLog(file: string): Promise<void> {
  try {
    if ((await stat(file)).size > longestLog) await rename(file, `${file}.1`);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
