/**
 * Records the database's progress outside the database: small files beside the blobs, one for each running process. Restoring
 * the database to an earlier state does not restore them.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** The last commit in the database that a process has seen. */
export type Testimony = {
  /** The database's identity; a witness of another database says nothing. */
  readonly fingerprint: string;
  readonly generation: number;
  readonly nonce: string;
  readonly beats: number;
};

export type Witness = {
  /** Reads all witnesses, and ignores unreadable ones. */
  read(): Promise<readonly Testimony[]>;
  /** Replaces the process's earlier statement about this generation. */
  write(testimony: Testimony): Promise<void>;
  forget(testimony: Testimony): Promise<void>;
};

const form = /^[0-9a-f-]{36}\.json$/;

/** Uses the folder `witness` in the blobs' directory, and makes it when it is first needed. */
export function createWitness(directory: string): Witness {
  const folder = join(directory, 'witness');
  const pathOf = ({ nonce }: Testimony): string => join(folder, `${nonce}.json`);
  return {
    async read() {
      const names = await readdir(folder).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      });
      const found: Testimony[] = [];
      for (const name of names.filter((one) => form.test(one))) {
        // Its process may be removing it at this moment.
        const text = await readFile(join(folder, name), 'utf8').catch(() => '');
        const testimony = testimonyOf(text);
        if (testimony !== null && `${testimony.nonce}.json` === name) found.push(testimony);
      }
      return found;
    },
    async write(testimony) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const part = join(folder, `${randomUUID()}.part`);
      try {
        const handle = await open(part, 'wx', 0o600);
        try {
          await handle.writeFile(JSON.stringify(testimony));
          await handle.datasync();
        } finally {
          await handle.close();
        }
        await rename(part, pathOf(testimony));
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
    },
    forget: (testimony) => rm(pathOf(testimony), { force: true }),
  };
}

function testimonyOf(text: string): Testimony | null {
  try {
    const found = JSON.parse(text) as Partial<Testimony>;
    const { fingerprint, generation, nonce, beats } = found;
    return typeof fingerprint === 'string' &&
      typeof nonce === 'string' &&
      Number.isSafeInteger(generation) &&
      Number.isSafeInteger(beats)
      ? { fingerprint, nonce, generation: Number(generation), beats: Number(beats) }
      : null;
  } catch {
    return null;
  }
}
