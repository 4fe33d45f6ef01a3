import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, test } from 'node:test';
import { openBlobStore, type BlobStore } from '#blobs/store.ts';
import { contentKeyId } from '#db/base/content.ts';
import { fileKeyId } from '#blobs/sealed-file.ts';
import { tempDir, type TempDir } from '#test/support/temp.ts';

const [key, other] = [randomBytes(32), randomBytes(32)];
let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(() => dir.remove());

const pathOf = (sha256: string): string => join(dir.path, sha256.slice(0, 2), sha256);
/** In pieces of odd sizes, as networks bring them. */
const pieces = (bytes: Buffer): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7 + 3) % 99_991)
        yield bytes.subarray(at, at + size);
    })(),
  );
const put = async (blobs: BlobStore, bytes: Buffer): Promise<string> => {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const staged = await blobs.put(pieces(bytes), 10_000_000, { sha256, sizeBytes: bytes.length });
  assert.deepEqual(staged, { sha256, sizeBytes: bytes.length });
  return sha256;
};
const read = (blobs: BlobStore, sha256: string): Promise<Buffer> => buffer(blobs.open(sha256));

for (const size of [0, 1, 37, 38, 65_535, 65_536, 65_537, 131_072, 1_000_003])
  test(`a file of ${size} bytes comes back unchanged, and is encrypted on the disk`, async () => {
    const blobs = await openBlobStore(dir.path, [key]);
    const bytes = Buffer.alloc(size, 'planted ');
    const sha256 = await put(blobs, bytes);
    assert.ok((await read(blobs, sha256)).equals(bytes));
    assert.ok(!(await readFile(pathOf(sha256))).includes('lanted'));
  });

test('one that is cut, changed, put together otherwise or named by another digest does not come out whole', async () => {
  const blobs = await openBlobStore(dir.path, [key]);
  const sha256 = await put(blobs, randomBytes(200_000));
  const sealed = await readFile(pathOf(sha256));
  const whole = 64 * 1024 + 16;
  const head = sealed.subarray(0, 38);
  const at = (n: number): Buffer => sealed.subarray(38 + n * whole, 38 + (n + 1) * whole);
  const wrong = [
    sealed.subarray(0, -1),
    sealed.subarray(0, 38 + whole),
    sealed.subarray(0, 38),
    Buffer.concat([sealed, Buffer.from('x')]),
    Buffer.concat([head, at(1), at(0), at(2), sealed.subarray(38 + 3 * whole)]),
    Buffer.concat([sealed.subarray(0, 100), Buffer.from([(sealed[100] ?? 0) ^ 1]), sealed.subarray(101)]),
    Buffer.concat([head.subarray(0, 30), Buffer.from([(head[30] ?? 0) ^ 1]), sealed.subarray(31)]),
  ];
  for (const bytes of wrong) {
    await writeFile(pathOf(sha256), bytes);
    await assert.rejects(read(blobs, sha256), { code: 'content-damaged' });
  }
});

test('a file stored before a key was set is still readable; one sealed with another key names the missing key', async () => {
  const bytes = Buffer.from('planted before');
  const before = await put(await openBlobStore(dir.path), bytes);
  assert.ok((await read(await openBlobStore(dir.path, [key]), before)).equals(bytes));
  const sealed = await put(await openBlobStore(dir.path, [key]), Buffer.from('planted after'));
  await assert.rejects(read(await openBlobStore(dir.path, [other]), sealed), { code: 'content-key-missing' });
  assert.equal((await read(await openBlobStore(dir.path, [other, key]), sealed)).toString(), 'planted after');
  await assert.rejects(read(await openBlobStore(dir.path, [key]), 'ab'.repeat(32)), { code: 'ENOENT' });
});

test('files are sealed after the fact and again with a new key, keep their age, and nothing is left beside them', async () => {
  const plain = await put(await openBlobStore(dir.path), randomBytes(100_000));
  const then = new Date(Date.now() - 3_600_000);
  await utimes(pathOf(plain), then, then);
  const first = await openBlobStore(dir.path, [key]);
  const sealed = await put(first, Buffer.from('planted'));
  assert.deepEqual(await first.reseal(), { resealed: 1, already: 1, failed: [] });
  assert.equal(Math.round((await stat(pathOf(plain))).mtimeMs / 1000), Math.round(then.getTime() / 1000));
  const second = await openBlobStore(dir.path, [other, key]);
  assert.deepEqual(await second.reseal(), { resealed: 2, already: 0, failed: [] });
  const alone = await openBlobStore(dir.path, [other]);
  assert.equal((await read(alone, sealed)).toString(), 'planted');
  assert.deepEqual(await alone.reseal(), { resealed: 0, already: 2, failed: [] });
  assert.deepEqual(await readdir(join(dir.path, 'incoming')), []);
});

test('a file that no key opens, and one that is not what its name says, stay as they are and are named', async () => {
  const lost = await put(await openBlobStore(dir.path, [key]), Buffer.from('lost'));
  const plain = await openBlobStore(dir.path);
  const cut = await put(plain, Buffer.from('cut off'));
  await truncate(pathOf(cut), 3);
  const { failed, resealed } = await (await openBlobStore(dir.path, [other])).reseal();
  assert.deepEqual([resealed, failed.toSorted()], [0, [lost, cut].toSorted()]);
  assert.equal((await readFile(pathOf(cut))).toString(), 'cut');
});

test('a key has one name for contents and files', () => {
  assert.equal(fileKeyId(key), contentKeyId(key));
});
