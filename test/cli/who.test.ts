// Who did it, as the audit keeps it: --as, else the account.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { ids, plantTickets } from './log.ts';
import { ferry } from './run.ts';
import { goodYaml, openBench } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  await bench.apply(goodYaml);
  await plantTickets(bench.connection);
});
afterEach(() => bench.close());

const env = {
  FERRY_SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
  FERRY_PUBLIC_URL: 'https://ferry.acme.example',
};

const run = (...args: string[]): ReturnType<typeof ferry> => ferry(args, { env: { ...env, DATABASE_URL: bench.url } });

async function last(): Promise<{ readonly by: string; readonly actor: unknown; readonly what: string } | undefined> {
  const [row] = await rows<{ by: string; actor: unknown; what: string }>(
    bench.connection.db,
    sql`select by, detail->'actor' as actor, what from audit order by id desc limit 1`,
  );
  return row;
}

test('without --as it is the account, and with it the name beside the account', async () => {
  await run('link', 'suspend', 'acme-northwind');
  assert.deepEqual(await last(), { by: 'ann', actor: { kind: 'cli', id: 'ann' }, what: 'link-suspended' });
  await run('--as', 'Béla Ott', 'link', 'resume', 'acme-northwind');
  assert.deepEqual(await last(), { by: 'Béla Ott', actor: { kind: 'cli', id: 'ann' }, what: 'link-active' });
});

test('--as may come before a command, among its words and after it; the nearest counts', async () => {
  const places: readonly (readonly [string, readonly string[]])[] = [
    ['One', ['--as', 'One', 'retry', 'acme']],
    ['Two', ['retry', '--as', 'Two', 'acme']],
    ['Three', ['retry', 'acme', '--as', 'Three']],
    ['Four', ['--as', 'One', 'retry', 'acme', '--as=Four']],
    ['Five', ['link', '--as', 'Five', 'contact', 'acme-northwind', '--none']],
  ];
  for (const [name, args] of places) {
    const ran = await run(...args);
    assert.equal(ran.code, 0, ran.err);
    assert.equal((await last())?.by, name, args.join(' '));
  }
});

test('where --as names a side, a name is given before the command', async () => {
  const invited = await run('--as', 'Cy Ang', 'link', 'invite', '--as', 'customer', '--instance', 'acme', '--json');
  assert.equal(invited.code, 0, invited.err);
  assert.deepEqual(await last(), { by: 'Cy Ang', actor: { kind: 'cli', id: 'ann' }, what: 'invite' });
  const added = await run('client', 'add', 'tool-link', '--as', 'customer', '--instance', 'acme');
  assert.equal(added.code, 0, added.err);
  assert.equal((await last())?.by, 'ann');
  const unnamed = await run('--as', 'customer', 'link', 'invite', '--instance', 'acme');
  assert.equal(unnamed.code, 64);
  assert.match(unnamed.err, /say which side .* \[no-side\]/);
});

test('an invalid name is refused before anything is done', async () => {
  for (const name of ['', ' ', 'x'.repeat(101), 'two\nlines', 'red \u001B[31m', 'turned \u202Etxt']) {
    const ran = await run('release', ids.held, '--as', name);
    assert.equal(ran.code, 64, JSON.stringify(name));
    assert.match(ran.err, /\[not-a-name\]/);
  }
  const [row] = await rows(bench.connection.db, sql`select released_at from deliveries where id = ${ids.held}`);
  assert.deepEqual(row, { released_at: null });
});

test('a person who calls themselves as the demo does is not taken for it', async () => {
  const { changedByOthers } = await import('#db/settings/changed-by.ts');
  const { demo } = await import('#standalone/demo/operator.ts');
  await bench.connection.db.execute(sql`update audit set by = 'demo'`);
  assert.equal(await changedByOthers(bench.connection.db, ['links/acme-northwind'], demo), true);
  await bench.connection.db.execute(
    sql`update audit set detail = jsonb_set(detail, '{actor}', '{"kind": "system", "id": "demo"}')`,
  );
  assert.equal(await changedByOthers(bench.connection.db, ['links/acme-northwind'], demo), false);
  // As it was stored before there were actors.
  await bench.connection.db.execute(sql`update audit set detail = detail - 'actor'`);
  assert.equal(await changedByOthers(bench.connection.db, ['links/acme-northwind'], demo), false);
  await bench.connection.db.execute(sql`update audit set by = 'cli'`);
  assert.equal(await changedByOthers(bench.connection.db, ['links/acme-northwind'], demo), true);
});
