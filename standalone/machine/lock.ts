/**
 * Ensures one Ferry per data directory. It uses SQLite's lock on a file there: the kernel releases it when its holder dies, so
 * that a kill -9 leaves no stale lock.
 */
import { access, constants, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

import { alreadyRunning, foreignDirectory, fromFileSystem, notWritable } from './errors.ts';
import { readRunFile } from './run-file.ts';

export type DataLock = { release(): void };

const lockName = 'ferry.lock';
/** A holder whose parent was killed needs a moment to notice and to announce that it stops. */
const noticeMs = 2_000;
const stopLimitMs = 60_000;

/**
 * Makes the data directory if needed and locks it until `release` or the end of this process. Waits for a holder that is
 * stopping.
 * @throws StandaloneError already-running, not-writable, foreign-directory, disk-full
 */
export async function lockData(dataDir: string, say: (line: string) => void, signal?: AbortSignal): Promise<DataLock> {
  await prepare(dataDir);
  const begun = Date.now();
  let told = false;
  for (;;) {
    signal?.throwIfAborted();
    const lock = tryLock(dataDir);
    if (lock !== undefined) return lock;
    const holder = await readRunFile(dataDir);
    const limit = holder?.phase === 'stopping' ? stopLimitMs : noticeMs;
    if (Date.now() - begun > limit) throw alreadyRunning(dataDir, holder?.starter.pid);
    if (holder?.phase === 'stopping' && !told) {
      told = true;
      say('waiting for the previous Ferry to end');
    }
    await sleep(50);
  }
}

async function prepare(dataDir: string): Promise<void> {
  try {
    // Others may pass through to PostgreSQL's part; the files here are readable only for their owner.
    await mkdir(dataDir, { recursive: true, mode: 0o711 });
    await access(dataDir, constants.W_OK | constants.X_OK);
    const entries = await readdir(dataDir);
    if (!entries.includes(lockName)) {
      if (entries.length > 0) throw foreignDirectory(dataDir);
      await writeFile(join(dataDir, lockName), '', { mode: 0o600 });
    }
  } catch (error) {
    throw fromFileSystem(error, dataDir, "Ferry's data");
  }
}

function tryLock(dataDir: string): DataLock | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(dataDir, lockName));
    database.exec('begin exclusive');
    const held = database;
    return { release: () => held.close() };
  } catch (error) {
    database?.close();
    const busy = 5;
    if ((error as { errcode?: number }).errcode === busy) return undefined;
    throw notWritable(dataDir, "Ferry's data", error);
  }
}
