import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { listAudit, type AuditRow } from '#operate/audit/list.ts';
import { somebody, testOperator } from '#test/support/operator.ts';
import { ids, plantTickets } from './log.ts';
import { ferry, type Ran } from './run.ts';
import { goodYaml, openBench } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
const run = (...args: string[]): Promise<Ran> => ferry([...args, '--database', bench.url]);
before(async () => {
  bench = await openBench();
  await bench.apply(goodYaml);
  await plantTickets(bench.connection);
  await run('release', ids.held, '--as', 'Ann Lee');
  await run('retry', 'acme', '--as', 'Ben Ott');
});
after(() => bench.close());

const entries = async (...args: string[]): Promise<AuditRow[]> =>
  (await run('audit', '--json', ...args)).out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditRow);
const verbs = async (...args: string[]): Promise<string[]> => (await entries(...args)).map(({ what }) => what);

test('the audit shows who did what on which link, newest first', async () => {
  const { code, out } = await run('audit');
  assert.equal(code, 0);
  const lines = out.split('\n');
  assert.match(lines[0] ?? '', /^AT +WHO +WHAT +ON +DIFFERENCE$/);
  assert.match(lines[1] ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +Ben Ott +retry +instances\/acme +\{lanes: \d+\}$/);
  assert.match(lines[2] ?? '', new RegExp(`Ann Lee +release +deliveries/${ids.held} `));
  assert.doesNotMatch(out, /planted/);
});

test('a line of JSON for each entry has the link of a delivery and the account of the actor', async () => {
  const [entry] = await entries('--what', 'release');
  assert.equal(entry?.link, 'acme-northwind');
  assert.deepEqual(entry?.detail['actor'], { kind: 'cli', id: 'ann' });
});

test('the audit is narrowed by link, person, verb, subject and time', async () => {
  assert.deepEqual(await verbs('--who', 'Ben Ott'), ['retry']);
  assert.deepEqual(await verbs('--on', 'deliveries'), ['release']);
  assert.deepEqual(await verbs('--on', `deliveries/${ids.held}`), ['release']);
  assert.deepEqual(await verbs('--on', 'deliver'), [], 'a beginning counts up to a slash only');
  assert.deepEqual(await verbs('--on', 'instances/%'), []);
  assert.deepEqual([...new Set(await verbs('--link', 'acme-northwind'))].toSorted(), ['apply', 'release']);
  assert.deepEqual(await verbs('--until', '2020-01-01'), []);
  assert.ok((await verbs('--since', '5m')).includes('retry'));
  assert.deepEqual(await verbs('--since', '2999-01-01T00:00:00Z'), []);
});

test('pages follow each other without a gap', async () => {
  const all = await entries();
  const first = await entries('--limit', '2');
  const rest = await entries('--before', first[1]?.id ?? '');
  assert.deepEqual([...first, ...rest], all);
  assert.match(
    (await run('audit', '--limit', '1')).out,
    new RegExp(`There are older entries. To see them, add --before ${all[0]?.id}`),
  );
});

test('a query that is not possible is explained, with exit code 64; nothing found is 1', async () => {
  for (const [args, code] of [
    [['--since', 'yesterday'], 'not-a-time'],
    [['--since', '2026-13-45'], 'not-a-time'],
    [['--before', 'x'], 'wrong-page'],
    [['--limit', '0'], 'wrong-limit'],
    [['--limit', '1001'], 'wrong-limit'],
  ] as const) {
    const ran = await run('audit', ...args);
    assert.equal(ran.code, 64, args.join(' '));
    assert.match(ran.err, new RegExp(`\\[${code}\\]`));
  }
  assert.equal((await run('audit', '--link', 'nothing')).code, 1);
  assert.equal((await run('audit', '--who', 'nobody')).code, 1);
});

test('who is in charge of some links reads what concerns these, and a viewer nothing', async () => {
  const { db } = bench.connection;
  const as = (actor: ReturnType<typeof somebody>) => testOperator(db, { actor });
  const own = await listAudit(as(somebody('operator', ['acme-northwind'])));
  assert.ok(own.entries.length > 0 && own.entries.every(({ link }) => link === 'acme-northwind'));
  assert.deepEqual((await listAudit(as(somebody('operator', ['other'])))).entries, []);
  await assert.rejects(listAudit(as(somebody('operator', ['other'])), { link: 'acme-northwind' }), {
    code: 'out-of-reach',
  });
  await assert.rejects(listAudit(as(somebody('viewer'))), { code: 'not-allowed' });
});

test('what an entry holds moves no cursor of a terminal', async () => {
  await bench.connection.db.execute(
    sql`insert into audit (by, what, subject, detail) values (${'Eve\u001b[2J'}, 'x', ${'links/\u202eevil'}, '{"a": "\\u001b"}')`,
  );
  const { out } = await run('audit', '--what', 'x');
  // eslint-disable-next-line no-control-regex -- they are what this is about
  assert.doesNotMatch(out, /[\u001b\u202e]/);
});
