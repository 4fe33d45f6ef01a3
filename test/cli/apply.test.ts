import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { rows } from '#db/base/client.ts';
import { settingsInForce } from '#db/settings/settings.ts';
import { env, goodYaml, northwindCatalogue, openBench } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

test('a first apply makes instances, profiles, links, both sides, feeds and couriers, with an audit', async () => {
  const result = await bench.apply(goodYaml);
  assert.equal(result.outcome, 'applied', JSON.stringify(result));
  const { db } = bench.connection;
  const customer = await settingsInForce(db, 'acme-northwind/customer');
  assert.equal(customer?.version, 1);
  assert.deepEqual(customer?.settings.inbound.statuses[1], { from: 'Done', to: 'Resolved' });
  assert.equal(customer?.settings.outbound.userReplies, true);
  for (const table of ['feeds', 'couriers'])
    assert.deepEqual(
      [...(await rows(db, sql`select instance from ${sql.raw(table)} order by 1`))],
      [{ instance: 'acme' }, { instance: 'northwind' }],
    );
  const audited = await rows<{ by: string; subject: string }>(db, sql`select by, subject from audit order by subject`);
  assert.deepEqual(
    audited.map(({ by, subject }) => `${by} ${subject}`),
    ['ann instances/acme', 'ann instances/northwind', 'ann links/acme-northwind', 'ann profiles/msp'],
  );
  const [types] = await rows<{ types: string }>(
    db,
    sql`select string_agg(distinct jsonb_typeof(settings), ',') as types from settings`,
  );
  assert.equal(types?.types, 'object');
});

test('a side extends its profile: its own keys win, lists are replaced whole', async () => {
  await bench.apply(goodYaml);
  const supplier = await settingsInForce(bench.connection.db, 'acme-northwind/supplier');
  assert.equal(supplier?.profile, 'msp');
  assert.equal(supplier?.settings.inbound.actionDefault, 'Internal Note');
  assert.deepEqual(supplier?.settings.outbound.actions, ['Update', 'Indirect email']);
  const own = goodYaml.replace(
    '      account: { name: Acme, team',
    '      outbound: { actions: [Update] }\n      account: { name: Acme, team',
  );
  const result = await bench.apply(own);
  assert.deepEqual(result.changes, [
    { op: 'remove', path: 'links.acme-northwind.supplier.outbound.actions[1]', before: 'Indirect email' },
  ]);
});

test('applying the same file again has nothing to change and stores nothing', async () => {
  await bench.apply(goodYaml);
  const before = await bench.dump();
  const result = await bench.apply(goodYaml);
  assert.equal(result.outcome, 'unchanged');
  assert.deepEqual(result.changes, []);
  assert.equal(await bench.dump(), before);
});

test('one changed row is one line of difference and one new version of one side', async () => {
  await bench.apply(goodYaml);
  const result = await bench.apply(
    goodYaml.replace('{ from: Done, to: Resolved }', '{ from: Done, to: With supplier }'),
  );
  assert.deepEqual(result.changes, [
    {
      op: 'change',
      path: 'links.acme-northwind.customer.inbound.statuses[1].to',
      before: 'Resolved',
      after: 'With supplier',
    },
  ]);
  const { db } = bench.connection;
  assert.equal((await settingsInForce(db, 'acme-northwind/customer'))?.version, 2);
  assert.equal((await settingsInForce(db, 'acme-northwind/supplier'))?.version, 1);
});

test('a row put in front of others is one addition, not a change of every row', async () => {
  await bench.apply(goodYaml);
  const more = goodYaml.replace(
    '          - { from: Update, to: Internal Note }',
    '          - { from: Email customer, to: Internal Note }\n          - { from: Update, to: Internal Note }',
  );
  const { changes } = await bench.apply(more);
  assert.deepEqual(
    changes.map(({ op, path }) => `${op} ${path}`),
    ['add links.acme-northwind.customer.inbound.actions[0]'],
  );
});

test('a dry run tells the difference and stores nothing', async () => {
  const before = await bench.dump();
  const result = await bench.apply(goodYaml, { dryRun: true });
  assert.equal(result.outcome, 'dry-run');
  assert.ok(result.changes.length > 10);
  assert.equal(await bench.dump(), before);
});

test('answering no, or being overtaken while looking, changes nothing', async () => {
  const before = await bench.dump();
  assert.equal((await bench.apply(goodYaml, { confirm: () => Promise.resolve(false) })).outcome, 'declined');
  assert.equal(await bench.dump(), before);
  const overtaken = await bench.apply(goodYaml, {
    confirm: async () => {
      await bench.apply(goodYaml.replace('name: Northwind\n', 'name: Northwind Ltd\n'));
      return true;
    },
  });
  assert.equal(overtaken.outcome, 'overtaken');
  assert.match(await bench.dump(), /Northwind Ltd/);
});

test('secrets are in no column, audit or result, and open again only with the key and for their row', async () => {
  const result = await bench.apply(goodYaml);
  const changed = await bench.apply(goodYaml, {}, { env: { ...env, ACME_SECRET: 'planted-acme-secret-2' } });
  assert.deepEqual(changed.changes, [{ op: 'change', path: 'instances.acme.credentials.clientSecret', secret: true }]);
  assert.doesNotMatch(JSON.stringify([result, changed]), /planted/);
  assert.doesNotMatch(await bench.dump(), /planted/);
  const [acme] = await rows<{ credentials: string; hook_secret_hash: string; version: number }>(
    bench.connection.db,
    sql`select credentials, hook_secret_hash, version from instances where id = 'acme'`,
  );
  assert.match(acme?.credentials ?? '', /^eyJ/);
  assert.match(acme?.hook_secret_hash ?? '', /^[0-9a-f]{64}$/);
  assert.equal(acme?.version, 2);
});

test('a secret comes from a file as well, without its last line feed', async () => {
  bench.files.set('secrets/acme', 'planted-from-file\n');
  const fromFile = goodYaml.replace('clientSecret: { env: ACME_SECRET }', 'clientSecret: { file: secrets/acme }');
  assert.equal((await bench.apply(fromFile)).outcome, 'applied');
  const same = await bench.apply(goodYaml, {}, { env: { ...env, ACME_SECRET: 'planted-from-file' } });
  assert.equal(same.outcome, 'unchanged');
});

test('when the key is lost, the secrets of the file are stored again', async () => {
  await bench.apply(goodYaml);
  const lost = await bench.apply(goodYaml, {}, { open: () => Promise.reject(new Error('unknown key')) });
  assert.equal(lost.outcome, 'applied');
  assert.ok(lost.changes.every(({ secret }) => secret === true));
});

test('a profile that changes gives every side that extends it a new version, named in the file or not', async () => {
  await bench.apply(goodYaml);
  const only =
    'profiles:\n  msp:\n    inbound: { ticketTypeDefault: Customer Task }\n    outbound: { actions: [Update] }\n';
  const result = await bench.apply(only);
  assert.equal(result.outcome, 'applied', JSON.stringify(result));
  const supplier = await settingsInForce(bench.connection.db, 'acme-northwind/supplier');
  assert.equal(supplier?.version, 2);
  assert.equal(supplier?.settings.inbound.ticketTypeDefault, 'Customer Task');
  assert.equal(supplier?.settings.inbound.actionDefault, undefined);
  assert.deepEqual(supplier?.settings.inbound.statuses, [{ from: 'Resolved', to: 'Done' }]);
  assert.ok(result.changes.some(({ path }) => path === 'links.acme-northwind.supplier.inbound.ticketTypeDefault'));
});

test('a profile that would break a side elsewhere is refused', async () => {
  await bench.apply(goodYaml);
  const broken = await bench.apply('profiles:\n  msp:\n    outbound:\n      actions: [Updat]\n');
  assert.equal(broken.outcome, 'wrong');
  assert.deepEqual(broken.outcome === 'wrong' && broken.faults.map(({ line, code }) => ({ line, code })), [
    { line: 4, code: 'unknown-name' },
  ]);
});

test('a changed catalogue is kept as a new version, and names are checked against it', async () => {
  await bench.apply(goodYaml);
  bench.catalogues.set('northwind', { ...northwindCatalogue, teams: ['Service Desk', 'Projects'] });
  const result = await bench.apply(goodYaml);
  assert.deepEqual(result.changes, [
    { op: 'change', path: 'instances.northwind.catalogue', before: 'version 1', after: 'version 2' },
  ]);
  const [row] = await rows(bench.connection.db, sql`select catalogue_version from instances where id = 'northwind'`);
  assert.deepEqual(row, { catalogue_version: 2 });
});

test('a desk that is down is checked against what it offered last, with a warning', async () => {
  await bench.apply(goodYaml);
  bench.catalogues.set(
    'northwind',
    new HelpdeskError('retry', 'unreachable', 'GET https://northwind.example did not answer'),
  );
  const result = await bench.apply(goodYaml.replace('name: Northwind\n', 'name: Northwind Ltd\n'));
  assert.equal(result.outcome, 'applied');
  assert.match(
    result.warnings.join(),
    /northwind: GET https:\/\/northwind\.example did not answer; checked against what it offered at 20/,
  );
});

test('a desk that was never reached is a fault, unless somebody says --unchecked', async () => {
  bench.catalogues.set(
    'northwind',
    new HelpdeskError('auth', 'wrong-credentials', 'Northwind refused the credentials'),
  );
  const result = await bench.apply(goodYaml);
  assert.equal(result.outcome, 'wrong');
  assert.deepEqual(result.outcome === 'wrong' && result.faults.map(({ code, path, line }) => [code, path, line]), [
    ["can't-be-checked", 'instances.northwind.credentials', 12],
  ]);
  const unchecked = await bench.apply(goodYaml, { unchecked: true });
  assert.equal(unchecked.outcome, 'applied');
  assert.match(unchecked.warnings.join(), /northwind: .*--unchecked/);
});

test('going live closes what shadow mode opened and leaves the rest', async () => {
  await bench.apply(goodYaml.replace('mode: live', 'mode: shadow'));
  const { db } = bench.connection;
  await db.execute(sql`insert into mirrors (id, link, state, shadow, first_instance, first_ticket, second_instance)
    values (uuidv7(), 'acme-northwind', 'open', true, 'acme', '1', 'northwind'),
      (uuidv7(), 'acme-northwind', 'opening', true, 'acme', '2', 'northwind'),
      (uuidv7(), 'acme-northwind', 'open', false, 'acme', '3', 'northwind'),
      (uuidv7(), 'other', 'open', true, 'acme', '4', 'northwind')`);
  await bench.apply(goodYaml);
  const found = await rows(
    db,
    sql`select first_ticket as ticket, state, close_reason as reason from mirrors order by 1`,
  );
  assert.deepEqual(
    [...found],
    [
      { ticket: '1', state: 'closed', reason: 'shadow-ended' },
      { ticket: '2', state: 'closed', reason: 'shadow-ended' },
      { ticket: '3', state: 'open', reason: null },
      { ticket: '4', state: 'open', reason: null },
    ],
  );
});

test('a file may name what only the database has', async () => {
  await bench.apply(goodYaml);
  const { sql: run } = bench.connection;
  await run`delete from sides`;
  await run`delete from settings`;
  await run`delete from links`;
  const linksOnly = goodYaml.slice(goodYaml.indexOf('links:'));
  assert.equal((await bench.apply(linksOnly)).outcome, 'applied');
});
