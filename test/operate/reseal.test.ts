// A new FERRY_SECRET_KEY: everything that an older one has sealed is sealed again.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { keyId, openSecret } from '#config/secrets.ts';
import { rows } from '#db/base/client.ts';
import { ensureKeys } from '#db/links/keys.ts';
import { createAcceptance } from '#db/links/pairings.ts';
import { saveWebhook, webhookContext } from '#db/exchange/webhooks.ts';
import { secretColumns, sealedSecrets } from '#db/operate/sealed-secrets.ts';
import { resealSecrets } from '#operate/keys/reseal.ts';
import { createOperator, type Operator } from '#operate/operator.ts';
import { goodYaml, openBench, secretKey, type Bench } from '#test/cli/support.ts';
import { ferry } from '#test/cli/run.ts';
import { ann, somebody } from '#test/support/operator.ts';

const next = randomBytes(32);
let bench: Bench;
let old: Operator;
const withKeys = (...secretKeys: Buffer[]): Operator =>
  createOperator({ db: bench.connection.db, actor: ann, secretKeys });

beforeEach(async () => {
  bench = await openBench();
  await bench.apply(goodYaml);
  const { db } = bench.connection;
  old = withKeys(secretKey);
  await ensureKeys(db, old.seal, 'acme');
  await saveWebhook(
    db,
    'acme-northwind',
    'https://hook.example',
    await old.seal('whsec_x', webhookContext('acme-northwind')),
  );
  await db.transaction((tx) =>
    createAcceptance(tx, {
      link: 'new-link',
      side: 'customer',
      instance: 'acme',
      code: 'ferry_code',
      by: 'ann',
      name: null,
      contact: null,
      issuer: 'https://far.example/i/far',
      seal: old.seal,
    }),
  );
});
afterEach(() => bench.close());

/** Every sealed secret: its place, and the JWE. */
async function sealed(): Promise<{ place: string; jwe: string }[]> {
  const found = await Promise.all(
    secretColumns.map(async (column) =>
      (await sealedSecrets(bench.connection.db, column, null, 1_000)).map((one) => ({
        place: column.context(one.id),
        jwe: one.sealed,
      })),
    ),
  );
  return found.flat();
}

test('every column that holds a sealed secret is named', async () => {
  const { db } = bench.connection;
  const columns = await rows<{ table: string; column: string }>(
    db,
    sql`select table_name as table, column_name as column from information_schema.columns
      where table_schema = 'public' and data_type in ('text', 'jsonb')`,
  );
  const holding: string[] = [];
  for (const { table, column } of columns) {
    const [one] = await rows(
      db,
      sql`select 1 as one from ${sql.identifier(table)}
        where ${sql.identifier(column)}::text ~ '^"?eyJ[\\w-]+\\.[\\w-]+\\.[\\w-]+\\.[\\w-]*\\.[\\w-]+"?$' limit 1`,
    );
    if (one !== undefined) holding.push(`${table}.${column}`);
  }
  assert.deepEqual(holding.toSorted(), secretColumns.map(({ table, column }) => `${table}.${column}`).toSorted());
});

test('what an older key has sealed is sealed with the new one, opens to the same, and then the older key may go', async () => {
  const before = await sealed();
  const texts = await Promise.all(before.map(({ place, jwe }) => openSecret(jwe, place, [secretKey])));
  const done = await resealSecrets(withKeys(next, secretKey));
  assert.deepEqual(done, { resealed: before.length, already: 0, failed: [] });
  const after = await sealed();
  assert.deepEqual(await Promise.all(after.map(({ place, jwe }) => openSecret(jwe, place, [next]))), texts);
  assert.deepEqual(await resealSecrets(withKeys(next)), { resealed: 0, already: before.length, failed: [] });
});

test('each column has a row in the audit with the name of the key, and no secret', async () => {
  await resealSecrets(withKeys(next, secretKey));
  const audited = await rows<{ subject: string; detail: Record<string, unknown> }>(
    bench.connection.db,
    sql`select subject, detail from audit where what = 'key-reseal' order by subject`,
  );
  assert.deepEqual(
    audited.map(({ subject, detail }) => [subject, detail['resealed'], detail['key']]),
    [
      ['secrets/instances', 2, keyId(next)],
      ['secrets/keys', 3, keyId(next)],
      ['secrets/pairings', 1, keyId(next)],
      ['secrets/webhooks', 1, keyId(next)],
    ],
  );
  await resealSecrets(withKeys(next, secretKey));
  assert.equal(
    (await rows(bench.connection.db, sql`select 1 as one from audit where what = 'key-reseal'`)).length,
    audited.length,
    'nothing to do is nothing to tell',
  );
});

test('a secret that no key opens, and one that was moved, stay as they are and are named; the others are sealed', async () => {
  const { db } = bench.connection;
  await db.execute(
    sql`update instances set credentials = (select credentials from instances where id = 'acme') where id = 'northwind'`,
  );
  await db.execute(sql`update webhooks set secret = 'no secret at all'`);
  const done = await resealSecrets(withKeys(next, secretKey));
  assert.deepEqual(
    done.failed.map(({ place, code }) => [place, code]),
    [
      ['instances/northwind/credentials', 'wrong-context'],
      ['webhooks/acme-northwind/secret', 'damaged'],
    ],
  );
  assert.equal(done.resealed, 5);
  const without = await resealSecrets(withKeys(randomBytes(32)));
  assert.deepEqual([without.resealed, without.failed.length], [0, 7]);
});

test('whose secret is changed while it is sealed again keeps the change', async () => {
  const operator = withKeys(next, secretKey);
  const racing: Operator = {
    ...operator,
    async open(jwe, place) {
      if (place === 'instances/acme/credentials')
        await bench.connection.db.execute(sql`update instances set credentials = 'changed' where id = 'acme'`);
      return operator.open(jwe, place);
    },
  };
  await resealSecrets(racing);
  const [row] = await rows(bench.connection.db, sql`select credentials from instances where id = 'acme'`);
  assert.equal(row?.['credentials'], 'changed');
});

test('it requires an administrator who is in charge of everything', async () => {
  const as = (actor: ReturnType<typeof somebody>): Operator =>
    createOperator({ db: bench.connection.db, actor, secretKeys: [next, secretKey] });
  await assert.rejects(resealSecrets(as(somebody('operator'))), { code: 'not-allowed' });
  await assert.rejects(resealSecrets(as(somebody('admin', ['acme-northwind']))), { code: 'out-of-reach' });
});

test('ferry key reseal says how much it sealed; exit code 1 while something is left', async () => {
  const keys = (...all: Buffer[]): Record<string, string> => ({
    DATABASE_URL: bench.url,
    FERRY_SECRET_KEY: all.map((key) => key.toString('base64')).join(','),
  });
  const lost = await ferry(['key', 'reseal'], { env: keys(next) });
  assert.equal(lost.code, 1);
  assert.match(
    lost.out,
    /instances\/acme\/credentials was sealed with the key \S+, which FERRY_SECRET_KEY does not contain/,
  );
  const done = await ferry(['key', 'reseal', '--as', 'Ann Lee'], { env: keys(next, secretKey) });
  assert.equal(done.code, 0);
  assert.match(
    done.out,
    /^7 secrets sealed with the first key .* 0 already used it\.\nSecrets no longer need the keys after it/,
  );
  const [row] = await rows(bench.connection.db, sql`select by from audit where what = 'key-reseal' limit 1`);
  assert.equal(row?.['by'], 'Ann Lee');
});
