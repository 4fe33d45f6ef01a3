import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { openBlobStore, type BlobStore } from '#blobs/store.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { connect, type Connection } from '#db/base/client.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import type { Attachment } from '#core/words/vocabulary.ts';
import type { WorkDeps } from '#activities/deps.ts';
import { FileTrouble } from '#activities/desk/instance-trouble.ts';
import { createStage } from '#activities/carry/stage.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { until } from '#test/support/wait.ts';
import { tempDir } from '#test/support/temp.ts';

let database: TestDatabase;
let connection: Connection;
let blobs: BlobStore;
let folder: Awaited<ReturnType<typeof tempDir>>;
before(async () => {
  database = await freshDatabase('stage');
  connection = connect(database.url, { max: 2 });
  folder = await tempDir();
  blobs = await openBlobStore(folder.path);
});
after(async () => {
  await connection.close();
  await database.drop();
  await folder.remove();
});

const never = new AbortController().signal;
const file: Attachment = { id: '500', name: 'image-500', type: null, sizeBytes: null, inline: true, sha256: null };
const minutes = 60_000;

type DeskOf = {
  readonly open: () => Promise<{ stream: Readable; type: string | null; sizeBytes: number | null }>;
  readonly ping?: () => Promise<void>;
};

/** The size of the disk, and what a file leaves of it. */
type Disk = { readonly free: number };
const leastFree = 5_000;

/** @param triedMs how long ago the delivery was tried first; null: it is now */
function stage(desk: DeskOf, triedMs: number | null, wanted: Attachment = file) {
  return stageOn({ free: 1_000_000_000 }, desk)(triedMs, wanted);
}

/** One process: the files that it stages at the same time share the disk. */
function stageOn(disk: Disk, { open, ping }: DeskOf) {
  const deps = {
    db: connection.db,
    blobs,
    limits: { staging: 3, attachmentBytes: 1_000_000, leastFreeBytes: leastFree },
    freeBytes: () => Promise.resolve(disk.free),
    desks: {
      of: () => Promise.resolve({ helpdesk: { openAttachment: open, ping: ping ?? (() => Promise.resolve()) } }),
    },
  } as unknown as WorkDeps;
  const staging = createStage(deps);
  return (triedMs: number | null, wanted: Attachment = file) => {
    const now = new Date();
    const context = {
      action: { id: randomUUID(), instance: 'acme', ticket: '1' },
      delivery: { firstTriedAt: triedMs === null ? null : new Date(now.getTime() - triedMs).toISOString() },
      now: now.toISOString(),
    } as unknown as DeliveryContext;
    return staging(context, [wanted], never);
  };
}

const fails = (errorClass: ConstructorParameters<typeof HelpdeskError>[0]) => (): Promise<never> =>
  Promise.reject(new HelpdeskError(errorClass, 'server-error', 'Acme could not give file 500: status 500'));

test('a file that its desk, which is up, fails to give for minutes leaves a placeholder with the reason', async () => {
  for (const errorClass of ['retry', 'in-doubt', 'conflict'] as const) {
    const { files, failed } = await stage({ open: fails(errorClass) }, 6 * minutes);
    assert.deepEqual(files, []);
    assert.deepEqual(
      failed.map(({ why }) => why),
      ['Acme could not give file 500: status 500'],
    );
  }
});

test('a file that is not there may be there in a moment: it is missed for half a minute first', async () => {
  for (const tried of [null, 20_000])
    await assert.rejects(stage({ open: fails('gone') }, tried), { name: 'HelpdeskError', class: 'retry' });
  assert.equal((await stage({ open: fails('gone') }, 31_000)).failed.length, 1);
});

test("it is tried again before that, while the desk is down, and where the trouble is not the file's", async () => {
  const down = (): Promise<never> => Promise.reject(new HelpdeskError('retry', 'unreachable', 'no answer'));
  const patient: readonly (readonly [DeskOf, number | null])[] = [
    [{ open: fails('retry') }, null],
    [{ open: fails('retry') }, 4 * minutes],
    [{ open: fails('retry'), ping: down }, 60 * minutes],
    [{ open: fails('auth') }, 60 * minutes],
    [{ open: fails('slow-down') }, 60 * minutes],
  ];
  for (const [desk, tried] of patient)
    await assert.rejects(
      stage(desk, tried),
      // Trouble of the desk that has the file is not held against this delivery.
      (error) => error instanceof HelpdeskError || error instanceof FileTrouble,
    );
});

const png = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex');
const pictures: readonly (readonly [string, Buffer, string])[] = [
  ['PNG', png, 'image-500.png'],
  ['JPEG', Buffer.from('ffd8ffe000104a46494600010101006000600000', 'hex'), 'image-500.jpg'],
  ['GIF', Buffer.from('GIF89a\u0001\u0000\u0001\u0000\u0000\u0000\u0000', 'latin1'), 'image-500.gif'],
  ['SVG', Buffer.from('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'), 'image-500.svg'],
  ['nothing that is known', Buffer.from('hello'), 'image-500'],
  ['nothing at all', Buffer.alloc(0), 'image-500'],
];
for (const [what, bytes, name] of pictures) {
  test(`a picture without a name, of ${what}, is called ${name}, whatever type its desk reports`, async () => {
    for (const type of ['image/png', 'application/octet-stream', null]) {
      const open = () => Promise.resolve({ stream: Readable.from([bytes]), type, sizeBytes: bytes.length });
      const { files } = await stage({ open }, null);
      assert.deepEqual(
        files.map((one) => one.name),
        [name],
      );
    }
  });
}

test('a name that somebody gave is kept', async () => {
  const open = () => Promise.resolve({ stream: Readable.from([png]), type: null, sizeBytes: png.length });
  for (const [name, inline] of [
    ['vpn.jpeg', true],
    ['README', false],
  ] as const) {
    const { files } = await stage({ open }, null, { ...file, name, inline });
    assert.deepEqual(
      files.map((one) => one.name),
      [name],
    );
  }
});

const bytesOf = (sizeBytes: number | null) => ({ ...file, name: 'plan.pdf', sizeBytes });
const gives = (bytes: Buffer): DeskOf => ({
  open: () => Promise.resolve({ stream: Readable.from([bytes]), type: null, sizeBytes: null }),
});
const hasNoRoom = (error: unknown): boolean => {
  assert.ok(error instanceof FileTrouble);
  assert.equal(error.reason?.code, 'no-room');
  assert.match(error.message, /no room|too little room.*plan\.pdf.*Free some/);
  return true;
};

test('a file for which the disk has no room waits, however long, of known size or not, and comes once it has', async () => {
  const bytes = Buffer.alloc(2_000, 7);
  for (const size of [bytes.length, null]) {
    const disk = { free: leastFree + bytes.length - 1 };
    const take = stageOn(disk, gives(bytes));
    for (const triedMs of [null, 60 * minutes]) await assert.rejects(take(triedMs, bytesOf(size)), hasNoRoom);
    disk.free = leastFree - 1;
    await assert.rejects(take(null, bytesOf(size)), hasNoRoom);
    disk.free = leastFree + bytes.length;
    assert.equal((await take(null, bytesOf(size))).files[0]?.sizeBytes, bytes.length);
  }
});

test('a file that is larger than the limit gets its placeholder, however much room there is', async () => {
  const { failed } = await stageOn({ free: 0 }, gives(png))(null, bytesOf(2_000_000));
  assert.match(failed[0]?.why ?? '', /larger than/);
});

test('files that come at a time don’t count on the same room', async () => {
  const disk = { free: leastFree + 3_000 };
  let give: (bytes: Buffer) => void = () => {};
  const given = new Promise<Buffer>((resolve) => {
    give = resolve;
  });
  const opened: number[] = [];
  const take = stageOn(disk, {
    open: async () => {
      opened.push(1);
      return { stream: Readable.from([await given]), type: null, sizeBytes: null };
    },
  });
  const first = take(null, bytesOf(2_000));
  await until(() => opened.length === 1, { what: 'the first to be fetched' });
  await assert.rejects(take(null, bytesOf(2_000)), hasNoRoom);
  give(Buffer.alloc(2_000));
  await first;
  assert.equal((await take(null, bytesOf(2_000))).files.length, 1, 'the room is left again');
});

test('a disk that fills up before the file has arrived is not blamed on the desk, and nothing of the file stays', async () => {
  for (const code of ['ENOSPC', 'EDQUOT']) {
    const full = Object.assign(new Error('full'), { code });
    const broken: BlobStore = { ...blobs, put: () => Promise.reject(full) };
    const deps = {
      db: connection.db,
      blobs: broken,
      limits: { staging: 1, attachmentBytes: 1_000_000, leastFreeBytes: 0 },
      freeBytes: () => Promise.resolve(1_000_000),
      desks: { of: () => Promise.resolve({ helpdesk: { openAttachment: gives(png).open } }) },
    } as unknown as WorkDeps;
    const context = { action: { id: randomUUID(), instance: 'acme', ticket: '1' }, delivery: {} };
    await assert.rejects(createStage(deps)(context as unknown as DeliveryContext, [bytesOf(null)], never), hasNoRoom);
  }
});
