import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { receiveErasure } from '#db/operate/erasures.ts';
import { ids, plantTickets } from './log.ts';
import { ferry, type Ran } from './run.ts';
import { goodYaml, openBench, type Bench } from './support.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  await bench.apply(goodYaml);
  await plantTickets(bench.connection);
});
afterEach(() => bench.close());

const run = (...args: string[]): Promise<Ran> => ferry(['erase', ...args, '--database', bench.url]);
const notes = async (): Promise<number> =>
  (await rows(bench.connection.db, sql`select 1 as one from actions where note is not null`)).length;

test('a dry run says what there is, what waits and who else holds it, and erases nothing', async () => {
  const { code, out } = await run('ticket', 'acme', '1001', '--dry-run');
  assert.equal(code, 0);
  assert.match(
    out,
    /content of it in 3 actions, 0 files and 0 readings of tickets\.\n1 delivery is waiting and would not be delivered\./,
  );
  assert.match(
    out,
    /These helpdesks still have it, and Ferry deletes nothing there:\n {2}acme 1001\n {2}northwind NW-24018\n/,
  );
  assert.doesNotMatch(out, /planted|Dana/);
  assert.equal(await notes(), 4);
});

test('without a person to ask it erases only with --yes; a no changes nothing', async () => {
  const unasked = await run('ticket', 'acme', '1001');
  assert.equal(unasked.code, 64);
  assert.match(unasked.err, /cannot be undone; confirm with --yes.*\[not-asked\]/);
  const declined = await ferry(['erase', 'ticket', 'acme', '1001', '--database', bench.url], {
    isInteractive: true,
    ask: () => Promise.resolve('n'),
  });
  assert.deepEqual([declined.code, await notes()], [1, 4]);
  const { code, out } = await run('ticket', 'acme', '1001', '--yes');
  assert.equal(code, 0);
  assert.match(
    out,
    /Erased: 3 actions, 0 readings of tickets; 0 files within two hours.*\n1 delivery will not be delivered\./,
  );
  assert.equal(await notes(), 1);
  assert.match((await run('ticket', 'acme', '1001', '--yes')).out, /^Ferry keeps no content of it\.\n/);
});

test('of a trial that was killed it says what cleaning up first would still do, and what it does after', async () => {
  const { db } = bench.connection;
  await db.execute(
    sql`insert into trials (instance, ticket, marker, before, known, statuses, fields, summary, over_at)
      values ('acme', '5', 'm', '{"ticketId": "5", "summary": "planted"}', '{}', '{}', '{}', true, now() + interval '1 hour')`,
  );
  const underWay = await run('ticket', 'acme', '5', '--yes');
  assert.match(
    underWay.out,
    /no content of it that can be erased now\.\nKept while a trial may be running on ticket 5 of acme.*ferry check acme --clean/,
  );
  await db.execute(sql`update trials set over_at = now()`);
  assert.match((await run('ticket', 'acme', '5', '--dry-run')).out, /Run ferry check acme --clean first/);
  assert.match((await run('ticket', 'acme', '5', '--yes')).out, /ferry check acme --clean still deletes the notes/);
});

test('as JSON it is one line', async () => {
  const { out } = await run('person', 'lena', '--yes', '--json');
  const result = JSON.parse(out) as { erased: { actions: number }; found: { actions: number } };
  assert.deepEqual([result.found.actions, result.erased.actions], [3, 3]);
});

test('an unknown ticket and an unknown helpdesk are reported with exit code 1', async () => {
  for (const args of [
    ['ticket', 'acme', '9999'],
    ['ticket', 'nowhere', '1'],
  ])
    assert.equal((await run(...args, '--dry-run')).code, 1, args.join(' '));
  assert.equal((await run('person', 'x', '--dry-run')).code, 64);
});

test('what the other side asks for is listed, and answered with the name of who answers', async () => {
  const id = '019a0000-0000-7000-8000-0000000000ff';
  assert.match((await run('status')).out, /There are no requests to erase anything/);
  await bench.connection.db.transaction((tx) => receiveErasure(tx, 'acme-northwind', id, [ids.update]));
  assert.match(
    (await run('status')).out,
    new RegExp(`${id} +acme-northwind +the other side +1 +\\S+ \\S+ +waits for somebody`),
  );
  assert.equal((await run('answer', id)).code, 64);
  const { code, out } = await run('answer', id, '--refuse', '--because', 'We\u001b must keep it.', '--as', 'Ann Lee');
  assert.equal(code, 0);
  assert.match(out, /^Refused; the other side of acme-northwind learns this/);
  // eslint-disable-next-line no-control-regex -- it is what this is about
  assert.doesNotMatch((await run('status')).out, /\u001b/);
  const [row] = await rows(bench.connection.db, sql`select by from audit where what = 'erase-refuse'`);
  assert.equal(row?.['by'], 'Ann Lee');
});
