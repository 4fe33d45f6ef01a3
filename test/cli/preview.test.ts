import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { ids, plantTickets } from './log.ts';
import { ferry, type Ran } from './run.ts';
import { env, goodYaml, openBench, secretKey } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
const run = (...args: string[]): Promise<Ran> =>
  ferry([...args, '--database', bench.url], { env: { FERRY_SECRET_KEY: secretKey.toString('base64') } });
before(async () => {
  bench = await openBench();
  await bench.apply(goodYaml);
  await plantTickets(bench.connection);
  const file = { id: 'a', name: 'log.txt', type: 'text/plain', sizeBytes: 12, inline: false, sha256: null };
  await bench.connection.db.execute(
    sql`update actions set attachments = ${JSON.stringify([file])}::jsonb where id = ${ids.escalation}`,
  );
});
after(() => bench.close());

test("a preview of a ticket says in lines what the other desk would do with each action, in that desk's words", async () => {
  const { code, out, err } = await run('preview', '--link', 'acme-northwind', '--ticket', '1001');
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^acme 1001 on acme-northwind: what each of its actions would do$/m);
  assert.match(
    out,
    /acme 1001 "Escalate to MSP", escalation → northwind NW-24018 \(it was applied\)\n {6}would open a ticket .*for "Acme", .*1 file, by Dana \(Acme\)$/m,
  );
  assert.match(
    out,
    /northwind NW-24018 "Update" → acme 1001 \(it was refused: refused-by-desk\)\n {6}would apply "Internal Note", a hidden note of \d+ bytes, by Lena \(Northwind\)$/m,
  );
  assert.match(out, /would be held: .*\[late-mail\]$/m);
  assert.doesNotMatch(out, /planted/);
  assert.match(
    (await run('preview', '--link', 'acme-northwind', '--ticket', '1001', '--notes')).out,
    /\| planted note of Lena/,
  );
  const json = JSON.parse((await run('preview', '--link', 'acme-northwind', '--ticket', '1001', '--json')).out) as {
    entries: unknown[];
  };
  assert.equal(json.entries.length, 3);
});

test('a dry run of a file, and of going back, say which of the last actions would end otherwise, now and then', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'ferry-preview-'));
  try {
    const changed = goodYaml.replace(
      '- { from: Update, to: Internal Note }',
      '- { from: Update, to: Internal Note, status: With supplier }',
    );
    await writeFile(path.join(folder, 'links.yaml'), changed);
    const { code, out, err } = await ferry(['apply', 'links.yaml', '--dry-run', '--database', bench.url], {
      env: { ...env, FERRY_SECRET_KEY: secretKey.toString('base64') },
      cwd: folder,
    });
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^\+ links\.acme-northwind\.customer\.inbound\.actions\[0\]\.status: "With supplier"$/m);
    assert.match(
      out,
      /^acme-northwind: of the last 3 actions this one would end otherwise:\n {2}.*"Update" → acme 1001 .*\n {6}now: would apply "Internal Note", .*\n {6}then: would apply "Internal Note", .*status "With supplier"/m,
    );
    assert.match(out, /^1 change would be made; this was a dry run, so nothing was changed\.$/m);
    await bench.apply(changed);
    const back = await run('settings', 'rollback', 'acme-northwind/customer', '1', '--dry-run');
    assert.equal(back.code, 0, back.err);
    assert.match(back.out, /^acme-northwind: of the last 3 actions this one would end otherwise:$/m);
    const done = await run('settings', 'rollback', 'acme-northwind/customer', '1', '--yes');
    assert.match(done.out, /^links\/acme-northwind\/customer is as in version 1; this is a new version of it\.$/m);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a preview of nothing, of no link and of a missing file each give one line', async () => {
  const said = async (...args: string[]): Promise<[number, string]> => {
    const { code, err } = await run('preview', ...args);
    return [code, /\[([\w-]+)\]\n$/.exec(err)?.[1] ?? err];
  };
  assert.deepEqual(await said(), [64, 'nothing-to-preview']);
  assert.deepEqual(await said('--ticket', '1001', '--file', 'x.yaml'), [64, 'no-link']);
  assert.deepEqual(await said('--link', 'acme-northwind', '--ticket', '1001', '--side', 'door'), [64, 'no-side']);
  assert.deepEqual(await said('--file', 'nowhere.yaml'), [64, 'unreadable-file']);
  assert.deepEqual(await said('--link', 'acme-north', '--ticket', '1'), [1, 'unknown-link']);
});

test('a replay shows what would become of each, asks nobody who is not there, and carries with --yes', async () => {
  const dry = await run('replay', 'acme-northwind', '--dry-run');
  assert.equal(dry.code, 0);
  assert.match(dry.out, /"Update" → acme 1001 \(it was refused: refused-by-desk\)\n {6}would apply "Internal Note"/);
  assert.match(dry.out, /^1 action would be carried once more; this was a dry run\.$/m);
  const unasked = await run('replay', 'acme-northwind');
  assert.equal(unasked.code, 64);
  assert.match(unasked.err, /\[not-asked\]/);
  assert.equal((await run('replay', 'acme-northwind', '--since', 'soon')).code, 64);
  const done = await run('replay', 'acme-northwind', '--yes');
  assert.equal(done.code, 0);
  assert.match(done.out, /^1 action is carried again; ferry trace shows the results\.$/m);
  const again = await run('replay', 'acme-northwind', '--yes');
  assert.equal(again.code, 1);
  assert.match(again.out, /^Nothing that was refused on acme-northwind can be carried once more\.$/m);
});

test('a pause takes a time and a reason, and status shows until when, why and by whom', async () => {
  const { code, out } = await run('pause', 'acme-northwind', '--until', '3h', '--why', 'New disks.', '--as', 'Ann Lee');
  assert.equal(code, 0);
  assert.match(out, /^acme-northwind is paused until \d{4}-\d\d-\d\dT\d\d:\d\dZ: nothing is carried/);
  const status = await run('status');
  assert.match(status.out, /^acme-northwind +paused until \d{4}-\d\d-\d\dT\d\d:\d\dZ /m);
  assert.match(status.out, /^ {2}acme-northwind: The link is paused until .* New disks\. .*\(Ann Lee\)$/m);
  assert.match(
    (await run('link', 'status', 'acme-northwind')).out,
    /^acme-northwind: suspended until .*Z by Ann Lee$/m,
  );
  for (const wrong of [
    ['--why', 'x'],
    ['--until', 'soon', '--why', 'x'],
    ['--until', '2026-12-01', '--why', 'x'],
    ['--until', '3h'],
  ])
    assert.equal((await run('pause', 'acme-northwind', ...wrong)).code, 64, wrong.join(' '));
});
