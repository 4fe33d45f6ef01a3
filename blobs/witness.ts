/**
 * What is known of the database outside of it: small files beside the blobs, one for each running process. A database
 * that is put back to an earlier state does not take them along.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What a process has last seen committed in the database. */
export type Testimony = {
  /** Of the database: another one's says nothing. */
  readonly fingerprint: string;
  readonly generation: number;
  readonly nonce: string;
  readonly beats: number;
};

export type Witness = {
  /** All that there are; what can't be read says nothing. */
  read(): Promise<readonly Testimony[]>;
  /** In the place of what it said of this generation before. */
  write(testimony: Testimony): Promise<void>;
  forget(testimony: Testimony): Promise<void>;
};

const form = /^[0-9a-f-]{36}\.json$/;

/** In the folder `witness` of the blobs' directory, which is made when it is first needed. */
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
        // Its process may just be removing it.
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
