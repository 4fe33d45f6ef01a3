import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { createRemoteLink } from '#db/links/link-life.ts';
import { saveCatalogue } from '#db/settings/apply-links.ts';
import { acmeCatalogue, instancesYaml, lineOf, northwindCatalogue, openBench, type Bench } from '#test/cli/support.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  const applied = await bench.apply(instancesYaml);
  assert.equal(applied.outcome, 'applied');
  await bench.connection.db.transaction(async (tx) => {
    await createRemoteLink(tx, {
      link: 'acme-msp',
      side: 'customer',
      instance: 'acme',
      far: { type: 'peer', id: 'msp-peer', issuer: 'https://msp.example/i/msp', name: 'MSP' },
      state: 'active',
      ownContact: null,
      farContact: null,
      seal: () => Promise.resolve('sealed'),
      by: 'test',
    });
  });
});
afterEach(() => bench.close());

const own = `links:
  acme-msp:
    mode: live
    customer:
      instance: acme
      account: { name: Northwind MSP }
      outbound:
        escalates: { kind: Escalate to MSP }
        actions: [Private note to supplier]
      inbound:
        statuses:
          - { from: Done, to: Resolved }
        actions:
          - { from: Update, to: Internal Note }
`;

for (const [how, far] of [
  ['is named', '    supplier: msp-peer\n'],
  ['is named without settings', '    supplier: { instance: msp-peer }\n'],
  ['is left out', ''],
] as const)
  test(`a file sets the own side of a link with a peer, whose side ${how}`, async () => {
    const applied = await bench.apply(own + far);
    assert.equal(applied.outcome, 'applied', JSON.stringify(applied));
    const dump = await bench.dump();
    assert.match(dump, /"side": "acme-msp\/customer".*"version": 2/);
    assert.doesNotMatch(dump, /"side": "acme-msp\/supplier".*"version": 2/);
    assert.equal((await bench.apply(own + far)).outcome, 'unchanged');
  });

test('names that the other side does not offer are warnings, since it tells only what it offers today', async () => {
  const before = await bench.apply(own, { dryRun: true });
  assert.ok(before.warnings.some((warning) => /what MSP offers is not known yet/.test(warning)));
  await bench.connection.db.transaction((tx) => saveCatalogue(tx, 'msp-peer', 1, northwindCatalogue));
  const known = await bench.apply(own, { dryRun: true });
  assert.equal(known.outcome, 'dry-run');
  assert.deepEqual(known.warnings, []);
  const unknown = await bench.apply(own.replace('from: Done', 'from: Dun'), { dryRun: true });
  assert.equal(unknown.outcome, 'dry-run');
  assert.equal(unknown.warnings.length, 1);
  assert.match(
    unknown.warnings[0] ?? '',
    /^links\.acme-msp\.customer\.inbound\.statuses\[0\]\.from: MSP has no status "Dun"\. .*Done/,
  );
});

test('names of our own desk, and what would send back, stay faults', async () => {
  await bench.connection.db.transaction((tx) => saveCatalogue(tx, 'msp-peer', 1, northwindCatalogue));
  const wrong = own.replace('to: Resolved', 'to: Resolvd').replace('to: Internal Note', 'to: Private note to supplier');
  const result = await bench.apply(wrong);
  assert.equal(result.outcome, 'wrong');
  const faults = result.outcome === 'wrong' ? result.faults : [];
  assert.deepEqual(
    faults.map(({ code, line }) => [code, line]),
    [
      ['unknown-name', lineOf(wrong, 'to: Resolvd')],
      ['sends-back', lineOf(wrong, 'to: Private note')],
    ],
  );
});

const faults: readonly [string, string, string, string][] = [
  [
    'settings of the other side',
    `${own}    supplier:\n      instance: msp-peer\n      account: { name: Acme }\n`,
    'far-settings',
    'account: { name: Acme }',
  ],
  [
    'a link that was never paired',
    own.replace('acme-msp:', 'another:') + '    supplier: msp-peer\n',
    'not-paired',
    'supplier: msp-peer',
  ],
  ['another peer than the paired one', `${own}    supplier: msp-pear\n`, 'unknown-instance', 'supplier: msp-pear'],
  [
    'a side of our own without settings',
    own.replace('acme-msp:', 'mine:') + '    supplier: northwind\n',
    'side-without-settings',
    'supplier: northwind',
  ],
  [
    'a peer made by a file',
    `instances:\n  other:\n    type: peer\n    name: Other\n    url: https://x.example\n`,
    'type-not-available',
    'type: peer',
  ],
];
for (const [what, yaml, code, at] of faults)
  test(`a fault with its line and what to do: ${what}`, async () => {
    const result = await bench.apply(yaml);
    assert.equal(result.outcome, 'wrong', JSON.stringify(result));
    const found = result.outcome === 'wrong' ? result.faults : [];
    assert.deepEqual(
      found.map((fault) => [fault.code, fault.line]),
      [[code, lineOf(yaml, at)]],
    );
    assert.ok((found[0]?.fix ?? '').length > 5);
  });

test('both sides of a link can not be somebody else’s', async () => {
  const result = await bench.apply('links:\n  acme-msp:\n    customer: msp-peer\n    supplier: msp-peer\n');
  assert.equal(result.outcome, 'wrong');
  const codes = result.outcome === 'wrong' ? result.faults.map(({ code }) => code) : [];
  assert.ok(codes.includes('no-own-side'), codes.join());
});

test('the desk of the other side is never asked for what it offers', async () => {
  const asked: string[] = [];
  await bench.apply(
    `${own}    supplier: msp-peer\n`,
    {},
    {
      readCatalogue: ({ id }) => {
        asked.push(id);
        return Promise.resolve(acmeCatalogue);
      },
    },
  );
  assert.deepEqual(asked, ['acme']);
});
