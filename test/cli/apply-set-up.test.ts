import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { openSecret } from '#config/secrets.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { ApplyResult } from '#operate/apply/apply.ts';
import { rows } from '#db/base/client.ts';
import { sql } from 'drizzle-orm';
import { acmeCatalogue, env, goodYaml, lineOf, northwindCatalogue, openBench, secretKey } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
before(async () => {
  bench = await openBench();
});
after(() => bench.close());
afterEach(async () => {
  bench.catalogues.set('acme', acmeCatalogue);
  bench.catalogues.set('northwind', northwindCatalogue);
  for (const table of [
    'settings',
    'sides',
    'links',
    'profiles',
    'catalogues',
    'feeds',
    'couriers',
    'instances',
    'audit',
  ])
    await bench.connection.sql.unsafe(`truncate ${table} cascade`);
});

function faultsOf(result: ApplyResult): Extract<ApplyResult, { outcome: 'wrong' }>['faults'] {
  assert.equal(result.outcome, 'wrong', JSON.stringify(result));
  return result.outcome === 'wrong' ? result.faults : [];
}

/** The link of goodYaml a second time, with another id and another condition. */
function secondLink(escalates: string): string {
  const [, link = ''] = goodYaml.split('links:\n');
  return link.replace('acme-northwind:', 'second:').replace('{ kind: Escalate to MSP }', escalates);
}

const ambiguous = [
  '{ kind: Escalate to MSP }',
  '{ kind: "escalate  to MSP" }',
  '{ any: [{ kind: Internal Note }, { kind: Escalate to MSP }] }',
  '{ all: [{ kind: Escalate to MSP }, { field: Scope, equals: Everybody }] }',
];
for (const escalates of ambiguous) {
  test(`two links of one customer may not escalate the same: ${escalates}`, async () => {
    const yaml = goodYaml + secondLink(escalates);
    const [fault, ...others] = faultsOf(await bench.apply(yaml));
    assert.deepEqual(others, []);
    assert.equal(fault?.code, 'escalates-twice');
    assert.equal(fault?.path, 'links.second.customer.outbound.escalates');
    assert.ok((fault?.line ?? 0) > lineOf(yaml, '  second:'));
    assert.match(`${fault?.message} ${fault?.fix}`, /"acme-northwind" of acme.*no ticket at all.*condition of its own/);
    // The first is stored already and the file has only the second.
    assert.equal((await bench.apply(goodYaml)).outcome, 'applied');
    const alone = goodYaml.slice(0, goodYaml.indexOf('links:\n')) + `links:\n${secondLink(escalates)}`;
    assert.deepEqual(
      faultsOf(await bench.apply(alone)).map(({ code, message }) => [code, message.includes('(stored)')]),
      [['escalates-twice', true]],
    );
    // A link that has ended accepts no more escalations.
    await bench.connection.sql`update links set state = 'closed' where id = 'acme-northwind'`;
    assert.equal((await bench.apply(alone)).outcome, 'applied');
  });
}

test('two links of one customer whose conditions an action can tell apart are fine; where it may not, there is a warning', async () => {
  const apart = await bench.apply(goodYaml + secondLink('{ kind: Internal Note }'), { dryRun: true });
  assert.deepEqual([apart.outcome, apart.warnings], ['dry-run', []]);
  const mixed = await bench.apply(goodYaml + secondLink('{ field: Scope, equals: Everybody }'), { dryRun: true });
  assert.equal(mixed.outcome, 'dry-run');
  assert.match(mixed.warnings.join(), /links\.second\.customer\.outbound\.escalates: an action that fits both/);
});

const padded: readonly (readonly [string, string, string])[] = [
  ['two line breaks at the end', '', '\n\n'],
  ['a line break of Windows', '', '\r\n'],
  ['a byte order mark and a blank', '\uFEFF', ' '],
  ['blanks around it', ' \t', '\t \n'],
];
for (const [name, start, end] of padded) {
  test(`a secret or a URL with ${name} is stored without them`, async () => {
    bench.files.set('northwind.secret', `${start}from-a-file${end}`);
    const yaml = goodYaml
      .replace('{ env: NORTHWIND_SECRET }', '{ file: northwind.secret }')
      .replace('url: https://northwind.example', 'url: { env: NORTHWIND_URL }');
    const result = await bench.apply(
      yaml,
      {},
      {
        env: { ...env, ACME_ID: `${start}an-id${end}`, NORTHWIND_URL: `${start}https://northwind.example${end}` },
      },
    );
    assert.equal(result.outcome, 'applied');
    const stored = await rows<{ id: string; url: string; credentials: string }>(
      bench.connection.db,
      sql`select id, url, credentials from instances order by id`,
    );
    const opened = await Promise.all(
      stored.map(async ({ id, credentials }) =>
        Object.values(
          JSON.parse(await openSecret(credentials, `instances/${id}/credentials`, [secretKey])) as Record<
            string,
            string
          >,
        ),
      ),
    );
    assert.deepEqual(opened, [
      ['an-id', env['ACME_SECRET']],
      [env['NORTHWIND_ID'], 'from-a-file'],
    ]);
    assert.equal(stored[1]?.url, 'https://northwind.example');
  });
}

test('a secret of white space only, or with a line break inside, is a fault; a key of several lines is not', async () => {
  const faults = faultsOf(
    await bench.apply(goodYaml, {}, { env: { ...env, ACME_ID: ' \n', ACME_SECRET: 'one\ntwo', ACME_HOOK: '\t' } }),
  );
  assert.deepEqual(
    faults.map(({ code, path }) => [code, path]),
    [
      ['missing-secret', 'instances.acme.credentials.clientId.env'],
      ['wrong-value', 'instances.acme.credentials.clientSecret.env'],
      ['missing-secret', 'instances.acme.hookSecret.env'],
    ],
  );
  assert.doesNotMatch(JSON.stringify(faults), /one\\ntwo/);
  const pem = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
  const result = await bench.apply(goodYaml, { dryRun: true }, { env: { ...env, ACME_SECRET: pem } });
  assert.equal(result.outcome, 'dry-run');
});

for (const url of [
  'https://north wind.example',
  'https://northwind.example\\rt',
  'https://northwind\n.example',
  'https:northwind.example',
]) {
  test(`a URL that two readers could understand in two ways is a fault: ${JSON.stringify(url)}`, async () => {
    const yaml = goodYaml.replace('url: https://northwind.example', 'url: { env: NORTHWIND_URL }');
    const faults = faultsOf(await bench.apply(yaml, {}, { env: { ...env, NORTHWIND_URL: url } }));
    assert.deepEqual(
      faults.map(({ code, path }) => [code, path]),
      [['wrong-url', 'instances.northwind.url']],
    );
  });
}

/** The error that a helpdesk's connector throws, where the fault is reported, and what the fix must name. */
const troubles: readonly (readonly [string, HelpdeskError, string, RegExp])[] = [
  [
    'refused credentials',
    new HelpdeskError('auth', 'token-refused', 'RT does not accept the access token.'),
    'credentials',
    /renew clientId or clientSecret/,
  ],
  [
    'a private address',
    new HelpdeskError(
      'refused',
      'address-not-allowed',
      '10.1.2.3 is private. Name its network in FERRY_ALLOW_ADDRESSES.',
    ),
    'url',
    /Correct the URL/,
  ],
  [
    'a port where nothing listens',
    new HelpdeskError('retry', 'connection-refused', 'GET https://northwind.example/ failed: ECONNREFUSED.'),
    'url',
    /Check the URL, and that the helpdesk is running/,
  ],
  [
    'another web site',
    new HelpdeskError('retry', 'not-rt', "RT could not list queues: status 404, and not in RT's way;"),
    'url',
    /Check the URL/,
  ],
];
for (const [name, error, key, fix] of troubles) {
  test(`${name} is reported at the instance's ${key}, with what to do about it`, async () => {
    bench.catalogues.set('northwind', error);
    const [fault, ...others] = faultsOf(await bench.apply(goodYaml));
    assert.deepEqual(others, []);
    assert.deepEqual([fault?.code, fault?.path], ["can't-be-checked", `instances.northwind.${key}`]);
    assert.match(fault?.fix ?? '', fix);
    assert.doesNotMatch(fault?.message ?? '', /\.\.|;\.|[.;] \.$/);
  });
}

test('an instance with changed access is not accepted without a question; an unchanged one is', async () => {
  await bench.apply(goodYaml);
  bench.catalogues.set('northwind', new HelpdeskError('retry', 'name-not-found', 'northwnd.example has no address.'));
  const unchanged = await bench.apply(goodYaml.replace('name: Northwind\n', 'name: Northwind Ltd\n'));
  assert.equal(unchanged.outcome, 'applied');
  const changes: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    [goodYaml.replace('https://northwind.example', 'https://northwnd.example'), env],
    [goodYaml, { ...env, NORTHWIND_SECRET: 'another' }],
    [goodYaml.replace('NORTHWIND_SECRET } }', 'NORTHWIND_SECRET } }\n    options: { concurrency: 2 }'), env],
  ];
  for (const [yaml, variables] of changes) {
    const [fault] = faultsOf(await bench.apply(yaml, {}, { env: variables }));
    assert.deepEqual([fault?.code, fault?.path], ["can't-be-checked", 'instances.northwind.url']);
    const forced = await bench.apply(yaml, { unchecked: true, dryRun: true }, { env: variables });
    assert.equal(forced.outcome, 'dry-run');
    assert.match(forced.warnings.join(), /checked against what it offered at/);
  }
});

/** Of goodYaml each line but the first of a map, indented by a tab or by one blank more: one slip each. */
const slips = goodYaml.split('\n').flatMap((line, at) => {
  const isInside = line.startsWith('    ') && !line.trim().startsWith('-');
  return isInside ? [at] : [];
});
for (const [name, slip, seenAfter] of [
  ['a tab', (line: string) => `\t${line.trim()}`, 1],
  // YAML notices it where the rest of the map no longer fits.
  ['an indent of its own', (line: string) => ` ${line}`, 10],
] as const) {
  test(`${name} anywhere in the file is reported first, and next to nothing else`, async () => {
    for (const at of slips) {
      const lines = goodYaml.split('\n');
      lines[at] = slip(lines[at] ?? '');
      const result = await bench.apply(lines.join('\n'), { dryRun: true });
      if (result.outcome !== 'wrong') continue;
      const shown = result.faults.map(({ line, code, message }) => `${line} ${code} ${message}`).join('\n');
      const syntax = result.faults.filter(({ code }) => code === 'yaml-syntax');
      if (syntax.length === 0) continue;
      assert.equal(syntax.length, 1, shown);
      assert.ok(result.faults.length <= 1, `line ${at + 1} of\n${lines.join('\n')}\n${shown}`);
      const after = (syntax[0]?.line ?? 0) - at - 1;
      assert.ok(after >= -1 && after <= seenAfter, `${at + 1}: ${shown}`);
    }
  });
}

test('a key at the wrong indentation is reported once, where it is, with the place where it belongs', async () => {
  const yaml = goodYaml
    .replace('      outbound:\n        escalates: {', '      escalates: {')
    .replace('        actions: [Private note to supplier]\n', '');
  const faults = faultsOf(await bench.apply(yaml));
  assert.deepEqual(
    faults.map(({ code, line, fix }) => [code, line, fix]),
    [
      [
        'unknown-key',
        lineOf(yaml, 'escalates:'),
        'It belongs at links.acme-northwind.customer.outbound.escalates: check its indentation.',
      ],
    ],
  );
});
