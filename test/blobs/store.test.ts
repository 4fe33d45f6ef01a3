import assert from 'node:assert/strict';
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { openBlobStore, type BlobStore } from '#blobs/store.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { deleteUnused, markUnused } from '#db/log/attachments.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { tempDir, type TempDir } from '#test/support/temp.ts';

const hour = 3_600_000;

describe('a file that nothing refers to any longer', () => {
  let dir: TempDir;
  let blobs: BlobStore;
  let database: TestDatabase;
  let connection: Connection;
  before(async () => {
    dir = await tempDir();
    blobs = await openBlobStore(dir.path);
    database = await freshDatabase('blobs');
    connection = connect(database.url, { max: 3 });
  });
  after(async () => {
    await connection.close();
    await database.drop();
    await dir.remove();
  });

  const put = async (content: string): Promise<string> => (await blobs.put(Readable.from([content]), 1_000)).sha256;
  /** As if it had been put, and marked, two hours ago. */
  const aged = async (sha256: string): Promise<void> => {
    const then = new Date(Date.now() - 2 * hour);
    await utimes(join(dir.path, sha256.slice(0, 2), sha256), then, then);
    await connection.db.execute(
      sql`update unused_files set marked_at = now() - interval '2 hours' where sha256 = ${sha256}`,
    );
  };
  const isThere = (sha256: string): Promise<boolean> =>
    text(blobs.open(sha256)).then(
      () => true,
      () => false,
    );
  const tidy = (): Promise<number> =>
    deleteUnused(connection.db, (sha256, untouchedMs) => blobs.deleteUntouched(sha256, untouchedMs));
  const marks = async (): Promise<number> => (await rows(connection.db, sql`select 1 from unused_files`)).length;
  const refer = (sha256: string): Promise<unknown> =>
    connection.db.execute(
      sql`insert into uploads (link, sha256, size_bytes) values ('l', ${sha256}, 1) on conflict do nothing`,
    );

  it('is deleted an hour after that was noted, and not before', async () => {
    const sha256 = await put('a');
    await markUnused(connection.db, [sha256, sha256]);
    assert.equal(await tidy(), 0);
    assert.ok(await isThere(sha256));
    await aged(sha256);
    assert.equal(await tidy(), 1);
    assert.equal(await isThere(sha256), false);
    assert.equal(await marks(), 0);
  });

  it('stays where something refers to it by then', async () => {
    const sha256 = await put('b');
    await markUnused(connection.db, [sha256]);
    await aged(sha256);
    await refer(sha256);
    assert.equal(await tidy(), 0);
    assert.ok(await isThere(sha256));
    assert.equal(await marks(), 0);
  });

  it('stays if it was stored or requested again meanwhile, since that caller refers to it only later', async () => {
    for (const again of [() => put('c'), (sha256: string) => blobs.has(sha256)]) {
      const sha256 = await put('c');
      await markUnused(connection.db, [sha256]);
      await aged(sha256);
      await again(sha256);
      assert.equal(await tidy(), 0);
      assert.ok(await isThere(sha256));
      assert.equal(await marks(), 1);
      await aged(sha256);
      await tidy();
    }
  });

  it('is there whenever it was put last, however often both are done at once', async () => {
    for (let n = 0; n < 30; n += 1) {
      const sha256 = await put('d');
      await aged(sha256);
      const [, deleted] = await Promise.all([put('d'), blobs.deleteUntouched(sha256, hour)]);
      assert.ok(await isThere(sha256), `round ${n}, deleted ${deleted}`);
    }
    assert.deepEqual(
      (await readdir(join(dir.path, 'incoming'))).filter((name) => name.endsWith('.aside')),
      [],
    );
  });
});
