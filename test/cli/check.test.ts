/** `ferry check` as a user types it: a database with two instances, twins that answer, and the output. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { twinClient } from '#twins/halo/client.ts';
import { createOperator } from '#operate/operator.ts';
import { checkInstance } from '#operate/check/check.ts';
import { loadInstance } from '#db/settings/instances.ts';
import { Refused } from '#operate/refused.ts';
import { acmeSeed } from '#twins/halo/seeds/acme.ts';
import { createHaloTwin } from '#twins/halo/server.ts';
import type { HaloTwin } from '#twins/halo/server.ts';
import { createRequestCheck } from '#test/connectors/halo/valid-requests.ts';
import { somebody } from '#test/support/operator.ts';
import { startProgram } from '#test/support/process.ts';
import { ferry } from './run.ts';
import { goodYaml, openBench, secretKey } from './support.ts';
import type { Bench } from './support.ts';

const requests = createRequestCheck();
let bench: Bench;
let twin: HaloTwin;
let variables: Readonly<Record<string, string>>;

before(async () => {
  [bench, twin] = await Promise.all([
    openBench(),
    createHaloTwin({ seed: acmeSeed, rateLimit: { limit: 0 }, watch: requests.watch }),
  ]);
  const [application] = twin.applications;
  const env = {
    ACME_ID: application?.client_id ?? '',
    ACME_SECRET: application?.client_secret ?? '',
    ACME_HOOK: 'a-hook-secret-0123456789abcdef',
    NORTHWIND_ID: 'x',
    NORTHWIND_SECRET: 'planted-northwind-secret',
  };
  const yaml = goodYaml
    .replace('https://acme.example', twin.url)
    .replace('https://northwind.example', twin.url.replace('127.0.0.1', 'localhost'));
  const applied = await bench.apply(yaml, {}, { env });
  assert.equal(applied.outcome, 'applied', JSON.stringify(applied));
  variables = {
    DATABASE_URL: bench.url,
    FERRY_SECRET_KEY: secretKey.toString('base64'),
    FERRY_ALLOW_ADDRESSES: '127.0.0.0/8,::1/128',
  };
});
after(async () => {
  await twin?.close();
  await bench?.close();
  requests.assertValid();
});

test('ferry check prints a line for each thing, ends with 0 where nothing has to be done, and keeps what it learnt', async () => {
  const was = await instance();
  const { code, out, err } = await ferry(['check', 'acme'], { env: variables });
  assert.equal(code, 0, out + err);
  assert.match(out, /^ok {11}clock: /m);
  assert.match(out, /^ok {11}list "statuses": \d+ read$/m);
  assert.match(out, /^unknown {6}mapped account "Northwind MSP": /m);
  assert.match(out, /\d+ findings, \d+ of them unknown; nothing has to be done\.\n$/);
  const is = await instance();
  assert.deepEqual({ ...is, learned: {}, version: was.version }, was);
  assert.equal(is.version, was.version + 1, 'the processes that run make their connector again');
  assert.equal(is.learned['agents'], 'array');
  assert.match(out, /^ok {11}learned: \d+ facts; Ferry uses it from now on/m);
  const again = await ferry(['check', 'acme'], { env: variables });
  assert.match(again.out, /^ok {11}learned: nothing new$/m);
  assert.deepEqual(await instance(), is);
});

async function instance(): Promise<{ readonly version: number; readonly learned: Record<string, unknown> }> {
  const { db } = bench.connection;
  const row = await loadInstance(db, 'acme');
  assert.ok(row);
  return row;
}

test('a later check that finds something else says what was known before', async () => {
  await bench.connection.sql`update instances set learned = learned || '{"agents": "results"}' where id = 'acme'`;
  const { out } = await ferry(['check', 'acme'], { env: variables });
  assert.match(out, /^ok {11}learned: agents was results and is array; Ferry uses it from now on/m);
});

test('with wrong credentials it ends with 1 and says which, never the secret', async () => {
  const { code, out } = await ferry(['check', 'northwind'], { env: variables });
  assert.equal(code, 1);
  assert.match(out, /^not allowed {2}token: .*Check client id, secret and tenant/m);
  assert.match(out, /things have to be corrected\.\n$/);
  assert.ok(!out.includes('planted'));
});

test('--json prints a line of JSON for each finding; --report prints one, without names', async () => {
  const json = await ferry(['check', 'acme', '--json'], { env: variables });
  const findings = json.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; verdict: string });
  assert.deepEqual(findings[0], { name: 'address', verdict: 'ok', saw: 'http, on this machine only' });
  const report = await ferry(['check', 'acme', '--report'], { env: variables });
  const { type, facts, findings: told } = JSON.parse(report.out) as Record<string, unknown>;
  assert.equal(type, 'halo');
  assert.deepEqual((facts as Record<string, unknown>)['agents'], 'array');
  assert.equal((told as unknown[]).length, findings.length);
  for (const name of ['Acme', 'Northwind', twin.url]) assert.ok(!report.out.includes(name), name);
});

test('an instance that is not there is named, with the nearest that is', async () => {
  const { code, err } = await ferry(['check', 'acm'], { env: variables });
  assert.equal(code, 1);
  assert.match(err, /no instance "acm".*acme/);
});

test('a helpdesk behind an API client cannot be checked, and the output says where to look instead', async () => {
  await bench.connection
    .sql`insert into instances (id, type, name, url, credentials) values ('tool', 'api', 'A tool', 'https://tool.example', 'sealed')`;
  const { code, err } = await ferry(['check', 'tool'], { env: variables });
  await bench.connection.sql`delete from instances where id = 'tool'`;
  assert.equal(code, 1, err);
  assert.match(err, /tool represents an API client, which calls this gateway.*ferry status shows when it last called/);
});

test('who may only look, or is in charge of some links only, may not check a helpdesk', async () => {
  const unasked = (): Promise<never> => Promise.reject(new Error('asked'));
  for (const actor of [somebody('viewer'), somebody(null), somebody('operator', ['acme-northwind'])]) {
    const operator = createOperator({ db: bench.connection.db, actor, secretKeys: [secretKey] });
    await assert.rejects(
      checkInstance({ ...operator, checkOf: unasked }, 'acme', new AbortController().signal),
      (error) => error instanceof Refused && error.kind === 'forbidden',
    );
  }
});

test('--write requires a yes, tries what Ferry writes, and deletes it again; the audit records it', async () => {
  const notes = async (): Promise<readonly { hiddenfromuser: boolean }[]> =>
    (await twinClient(twin.url).ticket(1002)).actions;
  const args = ['check', 'acme', '--write', '1002'];
  const before = await notes();
  assert.equal((await ferry(args, { env: variables })).code, 64);
  const no = { isInteractive: true, ask: () => Promise.resolve('n') };
  assert.equal((await ferry(args, { env: variables, ...no })).code, 1);
  assert.deepEqual(await notes(), before);

  const { code, out, err } = await ferry([...args, '--yes'], { env: variables });
  assert.equal(code, 0, out + err);
  for (const name of ['write a note', 'marker', 'author', 'mail', 'HTML', 'write a file', 'edit a note', 'clean up'])
    assert.match(out, new RegExp(`^ok {11}${name}`, 'm'));
  assert.deepEqual(await notes(), before);
  assert.match(await bench.dump(), /audit .*check-write/);
});

test('an interrupt in the middle of a trial deletes what it wrote, and ends with 1', async () => {
  const client = twinClient(twin.url);
  const before = await client.ticket(1002);
  const interrupted = new AbortController();
  const args = ['check', 'acme', '--write', '1002', '--yes'];
  const running = ferry(args, {
    env: variables,
    signal: interrupted.signal,
    heard: (text) => {
      if (text.includes('doubled marker')) interrupted.abort();
    },
  });
  const { code, out, err } = await running;
  assert.equal(code, 1, out + err);
  assert.match(out, /^ok {11}clean up/m);
  assert.match(err, /interrupted/);
  assert.doesNotMatch(out, /size of files/);
  const { actions, status_id } = await client.ticket(1002);
  assert.deepEqual([actions, status_id], [before.actions, before.status_id]);
});

test('what a killed trial wrote is deleted by the next check once the trial can no longer be running, or by --clean at once', async () => {
  const client = twinClient(twin.url);
  const seen = async (): Promise<unknown> => {
    const { actions, status_id, summary, customfields } = await client.ticket(1002);
    return { actions, status_id, summary, customfields };
  };
  const before = await seen();
  const kill = async (): Promise<void> => {
    const args = ['check', 'acme', '--write', '1002', '--yes'];
    const program = await startProgram({ program: 'cli/main.ts', args, env: variables });
    await program.line(/size of notes/);
    await program.kill9();
    assert.notDeepEqual(await seen(), before);
  };
  await kill();
  const early = await ferry(['check', 'acme'], { env: variables });
  assert.match(early.out, /^unknown {6}left by a trial "1002": a trial is running on this ticket, or was just killed/m);
  assert.match(early.out, /Check again in \d min, or delete what it wrote with --clean/);
  const second = await ferry(['check', 'acme', '--write', '1002', '--yes'], { env: variables });
  assert.match(second.err, /trial-under-way/);
  assert.notDeepEqual(await seen(), before);

  await bench.connection.sql`update trials set over_at = now()`;
  const next = await ferry(['check', 'acme'], { env: variables });
  assert.match(next.out, /^ok {11}left by a trial "1002": /m);
  assert.deepEqual(await seen(), before);
  assert.match(await bench.dump(), /audit .*check-clean/);

  await kill();
  const cleaned = await ferry(['check', 'acme', '--clean'], { env: variables });
  assert.equal(cleaned.code, 0, cleaned.out + cleaned.err);
  assert.match(cleaned.out, /^ok {11}left by a trial "1002": /m);
  assert.deepEqual(await seen(), before);
  assert.equal((await ferry(['check', 'acme', '--clean'], { env: variables })).out, 'There was nothing to clean up.\n');
  assert.equal((await ferry(['check', 'acme', '--clean', '--report'], { env: variables })).code, 64);
});

test('a trial that could not clean up is cleaned up by the next check, and not forgotten before', async () => {
  const client = twinClient(twin.url);
  const notes = async (): Promise<readonly unknown[]> => (await client.ticket(1002)).actions;
  const before = await notes();
  await client.fault({ kind: 'status', status: 403, match: { method: 'DELETE', path: '^/api/actions', times: 0 } });
  const failed = await ferry(['check', 'acme', '--write', '1002', '--yes'], { env: variables });
  assert.match(failed.out, /^not allowed {2}clean up: left on ticket 1002: action/m);
  await client.clearFaults();
  assert.ok((await notes()).length > before.length);
  const { out } = await ferry(['check', 'acme'], { env: variables });
  assert.match(out, /^ok {11}left by a trial "1002": /m);
  assert.deepEqual(await notes(), before);
});

test('a desk that hangs ends the check too; what was not asked is unknown', async () => {
  const client = twinClient(twin.url);
  await client.fault({ kind: 'slow', ms: 60_000, match: { path: '^/api/status', times: 0 } });
  try {
    const { checkOf } = await import('#operate/apply/helpdesks.ts');
    const { manifestOf } = await import('#connectors/index.ts');
    const { createHttpClient } = await import('#connectors/kit/http.ts');
    const http = createHttpClient({ allow: { http: true, privateAddresses: true } });
    const operator = createOperator({ db: bench.connection.db, actor: somebody('admin'), secretKeys: [secretKey] });
    const limits = { probeMs: 400, wholeMs: 1_500, cleanUpMs: 1_000 };
    const began = performance.now();
    const signal = new AbortController().signal;
    const checking = { ...operator, checkOf: checkOf({ manifestOf, http }) };
    const { findings } = await checkInstance(checking, 'acme', signal, null, limits);
    const found = await Array.fromAsync(findings);
    assert.ok(performance.now() - began < 20_000);
    const statuses = found.find(({ name, about }) => name === 'list' && about === 'statuses');
    assert.equal(statuses?.verdict, 'unknown');
    await http.close();
  } finally {
    await client.clearFaults();
  }
});

test('a trial is refused on a ticket that is mirrored, and nothing is asked of the helpdesk', async () => {
  await bench.connection.sql.unsafe(
    `insert into mirrors (id, link, state, first_instance, first_ticket, second_instance, second_ticket)
     values (gen_random_uuid(), 'acme-northwind', 'open', 'acme', '1001', 'northwind', '7')`,
  );
  const client = twinClient(twin.url);
  await client.clearRequests();
  const { code, err } = await ferry(['check', 'acme', '--write', '1001', '--yes'], { env: variables });
  assert.deepEqual([code, (await client.requests()).total], [1, 0]);
  assert.match(err, /1001 of acme is mirrored.*ticket-mirrored/);
});
