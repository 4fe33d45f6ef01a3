/** Files on disk by their SHA-256. A file is there whole or not at all, and twice the same file is one. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, statfs, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export class BlobTooLargeError extends Error {
  override readonly name = 'BlobTooLargeError';
}

/** What came is not what was promised; the message begins with `size` or `digest`. */
export class BlobDiffersError extends Error {
  override readonly name = 'BlobDiffersError';
}

export type Staged = { readonly sha256: string; readonly sizeBytes: number };

export type BlobStore = {
  /**
   * Streams the file in, hashing; throws BlobTooLargeError beyond `maxBytes`, and BlobDiffersError where it is another
   * than `promised`. Nothing stays behind on an error.
   */
  put(source: Readable, maxBytes: number, promised?: Staged): Promise<Staged>;
  open(sha256: string): Readable;
  /** Whoever asks is about to refer to it: it counts as put now. */
  has(sha256: string): Promise<boolean>;
  /** Deletes it unless it was put or asked for within `untouchedMs`; false then. */
  deleteUntouched(sha256: string, untouchedMs: number): Promise<boolean>;
};

const sha256Form = /^[0-9a-f]{64}$/;

/** Opens the store in `directory`, making it if needed, and clears what an interrupted `put` left. */
export async function openBlobStore(directory: string): Promise<BlobStore> {
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
        await pipeline(source, measure, createWriteStream(part, { flags: 'wx', mode: 0o600 }));
        const handle = await open(part, 'r');
        await handle.sync();
        await handle.close();
        const sha256 = hash.digest('hex');
        if (promised !== undefined && promised.sizeBytes !== sizeBytes) throw new BlobDiffersError('size');
        if (promised !== undefined && promised.sha256 !== sha256) throw new BlobDiffersError('digest');
        const place = join(directory, sha256.slice(0, 2));
        if ((await mkdir(place, { recursive: true, mode: 0o700 })) !== undefined) await syncDirectory(directory);
        await rename(part, pathOf(sha256));
        // A power cut would else take back the file's name, and what refers to it would stay.
        await syncDirectory(place);
        return { sha256, sizeBytes };
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
    },
    open: (sha256) => createReadStream(pathOf(sha256)),
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
        // Out of reach first, then looked at once more: somebody may have put the same file in between.
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
  };
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Room on the disk of `directory` for who is not root. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** Several processes share the store, so only what is surely nobody's is cleared. */
async function clearStale(incoming: string): Promise<void> {
  const hourAgo = Date.now() - 3_600_000;
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name);
    const found = await stat(path).catch(() => null);
    if (found !== null && found.mtimeMs < hourAgo) await unlink(path).catch(() => {});
  }
}
