/** `ferry check` as it is typed: a database with two instances, twins that answer, and what is printed. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { twinClient } from '#twins/halo/client.ts';
import { createOperator } from '#operate/operator.ts';
import { checkInstance } from '#operate/check/check.ts';
import { Refused } from '#operate/refused.ts';
import { acmeSeed } from '#twins/halo/seeds/acme.ts';
import { createHaloTwin } from '#twins/halo/server.ts';
import type { HaloTwin } from '#twins/halo/server.ts';
import { somebody } from '#test/support/operator.ts';
import { ferry } from './run.ts';
import { goodYaml, openBench, secretKey } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
let twin: HaloTwin;
let variables: Readonly<Record<string, string>>;

before(async () => {
  [bench, twin] = await Promise.all([openBench(), createHaloTwin({ seed: acmeSeed, rateLimit: { limit: 0 } })]);
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
});

test('ferry check prints a line for each thing, ends with 0 where nothing has to be done, and changes nothing', async () => {
  const was = await bench.dump();
  const { code, out, err } = await ferry(['check', 'acme'], { env: variables });
  assert.equal(code, 0, out + err);
  assert.match(out, /^ok {11}clock: /m);
  assert.match(out, /^ok {11}list "statuses": \d+ read$/m);
  assert.match(out, /^unknown {6}mapped account "Northwind MSP": /m);
  assert.match(out, /\d+ findings, \d+ of them unknown; nothing has to be done\.\n$/);
  assert.equal(await bench.dump(), was);
});

test('with wrong credentials it ends with 1 and says which, never the secret', async () => {
  const { code, out } = await ferry(['check', 'northwind'], { env: variables });
  assert.equal(code, 1);
  assert.match(out, /^not allowed {2}token: .*Check client id, secret and tenant/m);
  assert.match(out, /things have to be set right\.\n$/);
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

test('--write takes a yes, writes one hidden note with a file, and finds what comes of it; the audit has it', async () => {
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
  for (const name of ['write a note', 'marker', 'author', 'visibility', 'mail', 'HTML', 'write a file'])
    assert.match(out, new RegExp(`^ok {11}${name}`, 'm'));
  const [note, ...others] = (await notes()).slice(before.length);
  assert.deepEqual([note?.hiddenfromuser, others.length], [true, 0]);
  assert.match(await bench.dump(), /audit .*check-write/);
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
