import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { findBundle } from '#worker/bundle.ts';
import { startProgram } from '#test/support/process.ts';
import { tempDir, type TempDir } from '#test/support/temp.ts';

describe('the bundle of workflows', () => {
  let dir: TempDir;
  let made: string;
  let prebuilt: string;
  let unfit: string[];
  const find = (cache?: string): Promise<string | undefined> =>
    findBundle({ prebuilt, cache }, (path) => unfit.push(path));

  before(async () => {
    dir = await tempDir();
    made = join(dir.path, 'made', 'workflows.js');
    const { code } = await (await startProgram({ program: 'worker/make-bundle.ts', args: [made] })).ended;
    assert.equal(code, 0);
  });
  beforeEach(async () => {
    await rm(join(dir.path, 'test'), { recursive: true, force: true });
    await mkdir(join(dir.path, 'test'));
    prebuilt = join(dir.path, 'test', 'prebuilt.js');
    unfit = [];
  });
  after(() => dir.remove());

  it('is the one that npm run build made, and none is made again', async () => {
    await copyFile(made, prebuilt);
    const cache = join(dir.path, 'test', 'cache');
    assert.equal(await find(cache), prebuilt);
    assert.equal(await find(), prebuilt);
    await assert.rejects(stat(cache), { code: 'ENOENT' });
    assert.deepEqual(unfit, []);
  });

  it('is not one that was built from other code, changed or truncated; that one is named', async () => {
    const whole = await readFile(made, 'utf8');
    const end = whole.indexOf('\n');
    const wrong: Record<string, string> = {
      'other code': whole.replace(/from [0-9a-f]{20}/, `from ${'0'.repeat(20)}`),
      'changed code': `${whole} `,
      'cut off': whole.slice(0, -1),
      'first line only': whole.slice(0, end),
      'no first line': whole.slice(end + 1),
      empty: '',
    };
    for (const [what, text] of Object.entries(wrong)) {
      assert.notEqual(text, whole);
      await writeFile(prebuilt, text);
      unfit = [];
      assert.equal(await find(), undefined, what);
      assert.deepEqual(unfit, [prebuilt], what);
    }
  });

  it('is stored in the cache if none was built before, and built again there when it is damaged', async () => {
    const cache = join(dir.path, 'test', 'deep', 'cache');
    const kept = await find(cache);
    assert.ok(kept !== undefined && kept.startsWith(cache));
    assert.deepEqual(await readdir(cache), [kept.slice(cache.length + 1)], 'no draft is left');
    const { ino } = await stat(kept);
    assert.equal(await find(cache), kept);
    assert.equal((await stat(kept)).ino, ino, 'the second start makes none');
    await writeFile(kept, (await readFile(kept, 'utf8')).slice(0, 5_000));
    assert.equal(await find(cache), kept);
    assert.notEqual((await stat(kept)).size, 5_000);
    assert.deepEqual(unfit, []);
  });

  it('is left to Temporal if the cache cannot be used', async () => {
    const cache = join(dir.path, 'test', 'a-file');
    await writeFile(cache, '');
    assert.equal(await find(join(cache, 'below')), undefined);
    assert.deepEqual(unfit, []);
  });
});
