/** Stores files on disk by their SHA-256. A file is stored whole or not at all, and equal files only once. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, statfs, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline as pipe } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileKeyId, headLength, opening, sealedBy, sealing } from './sealed-file.ts';

export class BlobTooLargeError extends Error {
  override readonly name = 'BlobTooLargeError';
}

/** The file differs from what was promised; the message begins with `size` or `digest`. */
export class BlobDiffersError extends Error {
  override readonly name = 'BlobDiffersError';
}

export type Staged = { readonly sha256: string; readonly sizeBytes: number };

export type BlobStore = {
  /** * Streams and hashes a file; throws BlobTooLargeError beyond `maxBytes`, and BlobDiffersError if it differs from `promised`.
   * After an error, nothing is stored.
   */
  put(source: Readable, maxBytes: number, promised?: Staged): Promise<Staged>;
  /** Opens a file. Fails with SealedFileError if it is sealed with a key that the store does not have. */
  open(sha256: string): Readable;
  /** Says whether a file exists. It then counts as put now, because the caller is about to refer to it. */
  has(sha256: string): Promise<boolean>;
  /** Deletes a file. Returns false, and keeps it, if it was put or asked for within `untouchedMs`. */
  deleteUntouched(sha256: string, untouchedMs: number): Promise<boolean>;
  /** * Seals all other files with the first key, one after another; may be interrupted and repeated. Does nothing without a key.
   * `failed`: digests of files that no key opens, or whose content does not match their name.
   */
  reseal(): Promise<{ readonly resealed: number; readonly already: number; readonly failed: readonly string[] }>;
};

const sha256Form = /^[0-9a-f]{64}$/;

/**
 * Opens the store in `directory`, makes it if needed, and deletes what an interrupted `put` left.
 * @param keys 32 bytes each: the first seals files, all open them; without any, files are stored in plain text
 */
export async function openBlobStore(directory: string, keys: readonly Uint8Array[] = []): Promise<BlobStore> {
  const [key] = keys;
  const incoming = join(directory, 'incoming');
  await mkdir(incoming, { recursive: true, mode: 0o700 });
  await clearStale(incoming);

  const pathOf = (sha256: string): string => {
    if (!sha256Form.test(sha256)) throw new TypeError('not a SHA-256');
    return join(directory, sha256.slice(0, 2), sha256);
  };
  return {
    async put(source, maxBytes, promised) {
      const part = join(incoming, `${randomUUID()}.part`);
      const hash = createHash('sha256');
      let sizeBytes = 0;
      const measure = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          sizeBytes += chunk.length;
          if (sizeBytes > maxBytes) {
            done(new BlobTooLargeError(`larger than ${maxBytes} bytes`));
            return;
          }
          hash.update(chunk);
          done(null, chunk);
        },
      });
      try {
        const target = createWriteStream(part, { flags: 'wx', mode: 0o600 });
        await (key === undefined ? pipeline(source, measure, target) : pipeline(source, measure, sealing(key), target));
        const handle = await open(part, 'r');
        await handle.sync();
        await handle.close();
        const sha256 = hash.digest('hex');
        if (promised !== undefined && promised.sizeBytes !== sizeBytes) throw new BlobDiffersError('size');
        if (promised !== undefined && promised.sha256 !== sha256) throw new BlobDiffersError('digest');
        const place = join(directory, sha256.slice(0, 2));
        if ((await mkdir(place, { recursive: true, mode: 0o700 })) !== undefined) await syncDirectory(directory);
        await rename(part, pathOf(sha256));
        // Otherwise a power cut could undo the file's name, while the database already refers to it.
        await syncDirectory(place);
        return { sha256, sizeBytes };
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
    },
    open(sha256) {
      const file = createReadStream(pathOf(sha256));
      // The stream that is read reports all errors.
      return keys.length === 0 ? file : pipe(file, opening(keys), () => undefined);
    },
    async has(sha256) {
      const now = new Date();
      return utimes(pathOf(sha256), now, now).then(
        () => true,
        () => false,
      );
    },
    async deleteUntouched(sha256, untouchedMs) {
      const path = pathOf(sha256);
      const isUntouched = async (at: string): Promise<boolean> => (await stat(at)).mtimeMs < Date.now() - untouchedMs;
      try {
        if (!(await isUntouched(path))) return false;
        // Rename it first, then look again, because another process may have put the same file meanwhile.
        const aside = join(incoming, `${randomUUID()}.aside`);
        await rename(path, aside);
        if (await isUntouched(aside)) {
          await unlink(aside);
          return true;
        }
        await rename(aside, path);
        return false;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
        throw error;
      }
    },
    async reseal() {
      let [resealed, already] = [0, 0];
      const failed: string[] = [];
      if (key === undefined) return { resealed, already, failed };
      for (const folder of (await readdir(directory)).filter((name) => /^[0-9a-f]{2}$/.test(name)).toSorted())
        for (const sha256 of (await readdir(join(directory, folder))).filter((name) => sha256Form.test(name))) {
          const path = pathOf(sha256);
          const kid = sealedBy(await headOf(path));
          if (kid === fileKeyId(key)) already += 1;
          else if (await resealFile(path, sha256)) resealed += 1;
          else failed.push(sha256);
        }
      return { resealed, already, failed };
    },
  };

  /** Returns false if the file is gone, can't be opened, or does not match its name. */
  async function resealFile(path: string, sha256: string): Promise<boolean> {
    const part = join(incoming, `${randomUUID()}.part`);
    const hash = createHash('sha256');
    const look = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    try {
      const { atime, mtime } = await stat(path);
      const target = createWriteStream(part, { flags: 'wx', mode: 0o600, flush: true });
      await pipeline(createReadStream(path), opening(keys), look, sealing(key as Uint8Array), target);
      if (hash.digest('hex') !== sha256) return false;
      // Its time shows how long nobody has touched it.
      await utimes(part, atime, mtime);
      await rename(part, path);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'content-key-missing' || code === 'content-damaged') return false;
      throw error;
    } finally {
      await rm(part, { force: true });
    }
  }
}

async function headOf(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(headLength), 0, headLength, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Returns the free space on the disk of `directory`, for processes without root's reserve. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** Deletes only files that certainly no process uses, because several processes share the store. */
async function clearStale(incoming: string): Promise<void> {
  const hourAgo = Date.now() - 3_600_000;
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name);
    const found = await stat(path).catch(() => null);
    if (found !== null && found.mtimeMs < hourAgo) await unlink(path).catch(() => {});
  }
}
