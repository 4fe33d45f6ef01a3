import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { receiptCommand, type ReceiptView } from '#core/conversation/receipt.ts';
import { rows } from '#db/base/client.ts';
import { finishClosing } from '#db/links/link-close.ts';
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

const run = (...args: string[]): Promise<Ran> => ferry([...args, '--database', bench.url], { env: secret });
const secret = { FERRY_SECRET_KEY: Buffer.alloc(32, 7).toString('base64') };
const one = async (query: ReturnType<typeof sql>): Promise<Record<string, unknown>> =>
  (await rows(bench.connection.db, query))[0] ?? {};
const link = (): Promise<Record<string, unknown>> =>
  one(sql`select state, state_reason->>'code' as code from links where id = 'acme-northwind'`);

test('a suspended link says so everywhere, notifies everybody concerned, and continues when it is resumed', async () => {
  const suspended = await run('link', 'suspend', 'acme-northwind', '--because', 'Audit week.');
  assert.equal(suspended.code, 0, suspended.err);
  assert.deepEqual(await link(), { state: 'suspended', code: 'link-suspended' });
  const looked = await run('link', 'resume', 'acme-northwind', '--dry-run');
  assert.deepEqual(
    [looked.code, looked.out],
    [
      0,
      'acme-northwind is suspended. Without --dry-run, it would become active, and waiting deliveries would be carried.\n',
    ],
  );
  assert.deepEqual(await link(), { state: 'suspended', code: 'link-suspended' });
  await bench.connection.db.execute(sql`update lanes set due_at = 'infinity' where to_instance = 'acme'`);
  const status = await run('link', 'status', 'acme-northwind');
  assert.equal(status.code, 1);
  assert.match(status.out, /^acme-northwind: suspended$/m);
  // The other side reads this reason too, and learns nobody's name by it; who it was is in the audit.
  assert.match(status.out, /is suspended, .* Audit week\. .*ferry link resume/);
  assert.doesNotMatch(status.out, /\bann\b/);
  assert.deepEqual(await one(sql`select by from audit where what = 'link-suspended'`), { by: 'ann' });
  assert.match((await run('status')).out, /acme-northwind: The link is suspended/);
  assert.match((await run('trace', 'acme', '1001')).out, /the link is suspended, see ferry link status acme-northwind/);
  const [notice] = await rows(bench.connection.db, sql`select cause, cleared_at from notices`);
  assert.deepEqual(notice, { cause: 'link/suspended', cleared_at: null });

  const again = await run('link', 'suspend', 'acme-northwind');
  assert.equal(again.code, 1);
  assert.match(again.err, /is already suspended \[not-active\]/);

  assert.equal((await run('link', 'resume', 'acme-northwind')).code, 0);
  assert.deepEqual(await link(), { state: 'active', code: null });
  assert.equal((await one(sql`select due_at <= now() as due from lanes where to_instance = 'acme'`))['due'], true);
  assert.notEqual((await one(sql`select cleared_at from notices`))['cleared_at'], null);
  const audited = await rows(bench.connection.db, sql`select what, by from audit where what like 'link-%' order by at`);
  assert.deepEqual(
    [...audited],
    [
      { what: 'link-suspended', by: 'ann' },
      { what: 'link-active', by: 'ann' },
    ],
  );
});

test('the person to call is named beside what fails: in the status, the trace and the notice', async () => {
  const set = await run('link', 'contact', 'acme-northwind', 'Lena Ott <lena@northwind.example> +49 30 77', '--far');
  assert.equal(set.code, 0, set.err);
  assert.match((await run('status')).out, /on duty at the other side: Lena Ott <lena@northwind\.example> \+49 30 77/);
  assert.match(
    (await run('trace', 'acme', '1001')).out,
    /because: Acme refused it.*\n +on duty there: Lena Ott <lena@northwind\.example> \+49 30 77/,
  );
  await run('link', 'suspend', 'acme-northwind');
  assert.match(
    String((await one(sql`select text from notices`))['text']),
    /On duty at the other side: Lena Ott, lena@northwind\.example, \+49 30 77\.$/,
  );
  const shown = await run('link', 'contact', 'acme-northwind');
  assert.match(shown.out, /On duty there: Lena Ott .*\nOn duty here: nobody named/);
  assert.equal((await run('link', 'contact', 'acme-northwind', 'not <a contact')).code, 64);
});

test('closing refuses what waits, ends every mirror, and leaves a last note on both tickets that clears the reference', async () => {
  const closed = await run('link', 'close', 'acme-northwind', '--refuse', '--because', 'The contract ends.');
  assert.equal(closed.code, 0, closed.err);
  assert.match(closed.out, /has ended\. 1 open ticket gets a note; 1 waiting delivery was refused\./);
  assert.equal((await link())['state'], 'closing');
  assert.deepEqual(await one(sql`select state, close_reason from mirrors where id = ${ids.escalation}`), {
    state: 'closed',
    close_reason: 'link-closed',
  });
  assert.deepEqual(
    await one(sql`select outcome, reason->>'code' as code, held_at from deliveries where id = ${ids.held}`),
    {
      outcome: 'refused',
      code: 'link-closed',
      held_at: null,
    },
  );
  const notes = await rows<{ to: string; receipt: ReceiptView }>(
    bench.connection.db,
    sql`select d.to_instance as to, d.receipt from deliveries d join lanes l on l.mirror = d.mirror and l.to_instance = d.to_instance
      where d.outcome is null and l.due_at <= now() and l.head_seq <= d.seq order by d.to_instance`,
  );
  assert.deepEqual(
    notes.map(({ to }) => to),
    ['acme', 'northwind'],
  );
  const [atAcme, atNorthwind] = notes.map(({ receipt }, at) =>
    receiptCommand({
      receipt,
      ticketId: 'x',
      side: at === 0 ? 'customer' : 'supplier',
      language: 'en',
      now: '2026-03-01T09:00:00Z',
    }),
  );
  assert.equal(atAcme?.supplierReference, null);
  assert.equal(
    atAcme?.note,
    '<p>The link with Northwind has ended. What is written here is no longer sent there, and nothing arrives from there. The ticket there was NW-24018. The contract ends.</p>',
  );
  assert.equal(atNorthwind?.supplierReference, undefined);
  assert.match(String(atNorthwind?.note), /^<p>The link with Acme has ended\./);
  for (const note of [atAcme, atNorthwind]) assert.equal(note?.visibility, 'hidden');

  assert.deepEqual(await finishClosing(bench.connection.db), [], 'not before the last notes are written');
  await bench.connection.db.execute(sql`update deliveries set outcome = 'applied' where outcome is null`);
  await bench.connection.db.execute(sql`update lanes set due_at = null`);
  assert.deepEqual(await finishClosing(bench.connection.db), ['acme-northwind']);
  assert.equal((await link())['state'], 'closed');
  assert.equal((await run('link', 'close', 'acme-northwind')).code, 1);
  assert.equal((await run('link', 'resume', 'acme-northwind')).code, 1);
});

test('draining waits for what is on its way, and refuses what is left when the time is over', async () => {
  const started = performance.now();
  const closed = await run('link', 'close', 'acme-northwind', '--drain', '--wait', '0.01');
  assert.equal(closed.code, 0, closed.err);
  assert.ok(performance.now() - started > 500);
  assert.match(closed.out, /^Waiting for 1 delivery …\n/);
  assert.match(closed.out, /1 waiting delivery was refused/);
});

test('answering no, or naming two ways, closes nothing', async () => {
  const asked: string[] = [];
  const no = await ferry(['link', 'close', 'acme-northwind', '--database', bench.url], {
    env: secret,
    isInteractive: true,
    ask: (question) => {
      asked.push(question);
      return Promise.resolve('n');
    },
  });
  assert.equal(no.code, 1);
  assert.equal(asked.length, 1);
  assert.equal((await run('link', 'close', 'acme-northwind', '--drain', '--refuse')).code, 64);
  assert.equal((await link())['state'], 'active');
});

test('an export has every mirror, action with its note, and delivery, a line each, into a new file only', async () => {
  const { out } = await run('link', 'export', 'acme-northwind');
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; id: string; note?: string; outcome?: string });
  const count = (type: string): number => lines.filter((line) => line.type === type).length;
  assert.deepEqual([count('link'), count('mirror'), count('action'), count('delivery')], [1, 1, 3, 4]);
  assert.equal(
    lines.find(({ id, type }) => id === ids.update && type === 'action')?.note,
    '<p>planted note of Lena</p>',
  );
  assert.equal(lines.find(({ id }) => id === ids.toAcme)?.outcome, 'refused');
  assert.doesNotMatch(out, /planted private/, 'what was not carried is not of the link');

  const folder = await mkdtemp(path(tmpdir(), 'ferry-t-'));
  try {
    const file = path(folder, 'link.jsonl');
    assert.equal((await run('link', 'export', 'acme-northwind', '--out', file)).code, 0);
    assert.equal((await readFile(file, 'utf8')).trim().split('\n').length, 9);
    assert.equal((await run('link', 'export', 'acme-northwind', '--out', file)).code, 64, 'never over another file');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('an export of more than a page has all of it, in order', async () => {
  await bench.connection.db
    .execute(sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, words, hash, via)
    select ('019b0000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'acme', '1001', 'x' || n, 'acme', now(), '{"name":"D","role":"agent"}', 'desks', 'hidden', '{}', 'h', '{}'
    from generate_series(1, 450) n`);
  await bench.connection.db.execute(sql`insert into deliveries (mirror, to_instance, seq, kind, action)
    select ${ids.escalation}, 'northwind', 100 + row_number() over (), 'action', id from actions where external_id like 'x%'`);
  const { out } = await run('link', 'export', 'acme-northwind');
  const actions = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; id: string });
  const found = actions.filter(({ type }) => type === 'action').map(({ id }) => id);
  assert.equal(found.length, 453);
  assert.deepEqual(found, found.toSorted());
});

test('a purge needs the end of the link and a yes, and then leaves nothing of it but the audit', async () => {
  assert.match(
    (await run('link', 'purge', 'acme-northwind', '--yes')).err,
    /is active; end it first .* \[not-closed\]/,
  );
  await run('link', 'close', 'acme-northwind', '--refuse');
  assert.match((await run('link', 'purge', 'acme-northwind', '--yes')).err, /last notes .* still being written/);
  await bench.connection.db.execute(sql`update links set state = 'closed'`);
  await bench.connection.db.execute(
    sql`insert into attachments (action, id, sha256, size_bytes) values (${ids.escalation}, 'a', ${'c'.repeat(64)}, 5), (${ids.lone}, 'b', ${'d'.repeat(64)}, 5)`,
  );
  assert.equal((await run('link', 'purge', 'acme-northwind')).code, 64, 'nobody can be asked');
  const wrong = await ferry(['link', 'purge', 'acme-northwind', '--database', bench.url], {
    isInteractive: true,
    ask: () => Promise.resolve('y'),
  });
  assert.equal(wrong.code, 1);
  const purged = await run('link', 'purge', 'acme-northwind', '--yes');
  assert.equal(purged.code, 0, purged.err);
  assert.match(purged.out, /1 mirror, 3 actions\. .*1 file/);
  for (const table of ['mirrors', 'lanes', 'deliveries', 'attempts', 'writes', 'links', 'sides', 'settings', 'notices'])
    assert.equal((await one(sql`select count(*)::int as n from ${sql.identifier(table)}`))['n'], 0, table);
  assert.deepEqual(
    await one(sql`select count(*)::int as n from actions where note is not null and id <> ${ids.hidden}`),
    { n: 0 },
  );
  assert.deepEqual(await one(sql`select sha256, put_at < now() - interval '2 days' as old from uploads`), {
    sha256: 'c'.repeat(64),
    old: true,
  });
  assert.equal((await one(sql`select count(*)::int as n from instances`))['n'], 2, 'the helpdesks stay');
  assert.equal((await one(sql`select count(*)::int as n from audit where what = 'purge'`))['n'], 1);
});

test('a link that is not there is answered with the nearest one', async () => {
  for (const args of [
    ['status'],
    ['suspend'],
    ['quarantine'],
    ['resume'],
    ['close'],
    ['export'],
    ['purge'],
    ['rotate'],
    ['check'],
    ['contact'],
  ]) {
    const ran = await run('link', ...args, 'acme-nortwind');
    assert.equal(ran.code, 1, args.join());
    assert.match(ran.err, /there is no link "acme-nortwind".*acme-northwind.* \[unknown-link\]/, args.join());
  }
});

test('a code is taken from the input, or asked for, and need not be in the list of processes', async () => {
  const asked: string[] = [];
  const accept = (isInteractive: boolean, ...more: string[]): Promise<Ran> =>
    ferry(['link', 'accept', ...more, '--instance', 'acme', '--database', bench.url], {
      env: { ...secret, FERRY_PUBLIC_URL: 'https://acme.example' },
      isInteractive,
      ask: (question) => {
        asked.push(question);
        return Promise.resolve(' ferry_damaged \n');
      },
    });
  const given = await accept(false, 'ferry_damaged');
  assert.equal(given.code, 64);
  assert.deepEqual(await accept(false, '-'), given);
  assert.deepEqual(await accept(true), given);
  assert.deepEqual(
    asked.map((question) => /code/.test(question)),
    [false, true],
  );
  assert.equal((await accept(false)).code, 64, 'nobody is asked where nobody is there');
  assert.equal(asked.length, 2);
});

test('a link between helpdesks of this gateway has nothing to check, rotate or pair', async () => {
  assert.match((await run('link', 'check', 'acme-northwind')).err, /was not made by pairing/);
  assert.match((await run('link', 'rotate', 'acme-northwind')).err, /both helpdesks .* driven by this gateway/);
  const invite = await run('link', 'invite', '--as', 'customer', '--instance', 'acme');
  assert.equal(invite.code, 78);
  assert.match(invite.err, /no public URL.*FERRY_PUBLIC_URL.* \[no-public-url\]/);
  assert.equal((await run('link', 'accept', randomUUID(), '--instance', 'acme')).code, 64);
  assert.equal((await run('link', 'invite', '--as', 'both', '--instance', 'acme')).code, 64);
});
