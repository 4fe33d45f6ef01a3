// The command as people run it: bin/ferry.js from another directory, against real twins.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from '#db/base/client.ts';
import { freshDatabase, emptyDatabase } from '#test/support/database.ts';
import type { TestDatabase } from '#test/support/database.ts';
import { checkout, startProgram } from '#test/support/process.ts';
import { tempDir } from '#test/support/temp.ts';
import type { TempDir } from '#test/support/temp.ts';
import { createHaloTwin } from '#twins/halo/server.ts';
import type { HaloTwin } from '#twins/halo/server.ts';
import { seeds } from '#twins/halo/seeds.ts';

let dir: TempDir;
let database: TestDatabase;
let twins: HaloTwin[];
let env: Record<string, string>;
const hook = 'planted-hook-secret-0123456789abcdef';

before(async () => {
  dir = await tempDir();
  database = await freshDatabase('command');
  twins = [];
  for (const seed of [seeds['acme'], seeds['northwind']]) {
    if (seed === undefined) throw new Error('a seed is missing');
    const [application] = seed.applications;
    if (application === undefined) throw new Error('an application is missing');
    twins.push(
      await createHaloTwin({
        seed,
        applications: [{ ...application, client_secret: `planted-secret-of-${seed.tenant}` }],
      }),
    );
  }
  env = {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    FERRY_SECRET_KEY: Buffer.from('planted-key-of-32-bytes-exactly!').toString('base64'),
    FERRY_ALLOW_ADDRESSES: '127.0.0.1/32',
    ACME_URL: twins[0]?.url ?? '',
    ACME_CLIENT_ID: 'ferry-at-acme',
    ACME_CLIENT_SECRET: 'planted-secret-of-acme',
    ACME_HOOK_SECRET: hook,
    NORTHWIND_URL: twins[1]?.url ?? '',
    NORTHWIND_CLIENT_ID: 'ferry-at-northwind',
    NORTHWIND_CLIENT_SECRET: 'planted-secret-of-northwind',
    NORTHWIND_HOOK_SECRET: hook,
  };
});
after(async () => {
  await Promise.all(twins.map((twin) => twin.close()));
  await database.drop();
  await dir.remove();
});

async function ferry(
  args: readonly string[],
  change: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const program = await startProgram({ program: 'bin/ferry.js', args, cwd: dir.path, env: { ...env, ...change } });
  const { code } = await program.ended;
  return { code, out: program.stdout(), err: program.stderr() };
}

async function dump(): Promise<string> {
  const { sql, close } = connect(database.url, { max: 1 });
  try {
    const tables = await sql`select table_name as name from information_schema.tables where table_schema = 'public'`;
    const texts = [];
    for (const { name } of tables)
      texts.push(...(await sql`select to_jsonb(t)::text as row from ${sql(name as string)} t`));
    return texts.map(({ row }) => String(row)).join('\n');
  } finally {
    await close();
  }
}

test('the example applies to the demo desks unchanged, and changes nothing the second time', async () => {
  const file = join(checkout, 'examples/acme-northwind.yaml');
  const first = await ferry(['apply', file]);
  assert.equal(first.err, '');
  assert.equal(first.code, 0);
  assert.match(first.out, /^\+ links\.acme-northwind\.customer\.outbound\.escalates\.kind: "Escalate to MSP"$/m);
  const again = await ferry(['apply', file, '--yes']);
  assert.equal(again.out, 'Nothing to change.\n');
  for (const text of [first.out, first.err, await dump()]) assert.doesNotMatch(text, /planted/);
});

test('the record names the account, under sudo that of the person, and a name if one is given', async () => {
  const by = async (args: readonly string[], sudoUser: string): Promise<unknown> => {
    const { code, err } = await ferry(args, { SUDO_USER: sudoUser });
    assert.equal(code, 0, err);
    const { sql, close } = connect(database.url, { max: 1 });
    try {
      const [row] = await sql`select by, detail->'actor'->>'id' as account from audit order by audit.id desc limit 1`;
      return [row?.['by'], row?.['account']];
    } finally {
      await close();
    }
  };
  const account = userInfo().username;
  assert.deepEqual(await by(['retry', 'acme'], ''), [account, account]);
  assert.deepEqual(await by(['retry', 'acme'], 'ann'), ['ann', 'ann']);
  assert.deepEqual(await by(['--as', 'Ann Lee', 'retry', 'acme'], 'ann'), ['Ann Lee', 'ann']);
});

test('a wrong file names its faults by file, line and column, changes nothing and exits with 78', async () => {
  const good = await readFile(join(checkout, 'examples/acme-northwind.yaml'), 'utf8');
  await writeFile(
    join(dir.path, 'links.yaml'),
    good.replace('to: Email User,', 'to: Email Usr,').replace('mode: live', 'mod: live'),
  );
  const before = await dump();
  const { code, out, err } = await ferry(['apply', 'links.yaml']);
  assert.equal(code, 78);
  assert.equal(out, '');
  assert.match(
    err,
    /^links\.yaml:\d+:\d+: There is no setting "mod" here\. Did you mean "mode"\? \[unknown-key, links\.acme-northwind\.mod\]$/m,
  );
  assert.match(
    err,
    /^links\.yaml:\d+:\d+: Acme has no action "Email Usr"\. Did you mean "Email User"\? \[unknown-name, .*actions\[1\]\.to\]$/m,
  );
  assert.match(err, /2 faults in links\.yaml; nothing was changed/);
  assert.equal(await dump(), before);
  const json = await ferry(['apply', 'links.yaml', '--json']);
  assert.equal((JSON.parse(json.out) as { outcome: string; faults: unknown[] }).faults.length, 2);
});

test('a desk that refuses the credentials is reported in words, without the credentials', async () => {
  const other = await freshDatabase('refused');
  try {
    const { code, err } = await ferry(['apply', join(checkout, 'examples/acme-northwind.yaml')], {
      ACME_CLIENT_SECRET: 'planted-wrong-secret',
      DATABASE_URL: other.url,
    });
    assert.equal(code, 78);
    assert.match(err, /\[can't-be-checked, instances\.acme\.credentials\]/);
    assert.match(err, /The helpdesk refuses them: renew clientId or clientSecret/);
    assert.doesNotMatch(err, /planted/);
  } finally {
    await other.drop();
  }
});

test('a database without the schema asks for ferry migrate, which brings it', async () => {
  const bare = await emptyDatabase('bare');
  try {
    const before = await ferry(['status'], { DATABASE_URL: bare.url });
    assert.equal(before.code, 78);
    assert.match(before.err, /Run "ferry migrate" first\. \[schema-older\]/);
    assert.equal((await ferry(['migrate'], { DATABASE_URL: bare.url })).code, 0);
    assert.equal((await ferry(['status'], { DATABASE_URL: bare.url })).code, 2);
  } finally {
    await bare.drop();
  }
});

test('the version is that of the package', async () => {
  const { version } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as { version: string };
  assert.equal((await ferry(['version'])).out, `${version}\n`);
});
