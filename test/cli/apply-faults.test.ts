import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { ApplyResult } from '#operate/apply/apply.ts';
import { readSource } from '#operate/apply/document.ts';
import type { Finding } from '#operate/apply/fault.ts';
import { goodYaml, lineOf, openBench } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
let empty: string;
before(async () => {
  bench = await openBench();
  empty = await bench.dump();
});
afterEach(async () => assert.equal(await bench.dump(), empty, 'a wrong file changes nothing'));
after(() => bench.close());

async function faultsOf(yaml: string): Promise<Extract<ApplyResult, { outcome: 'wrong' }>['faults']> {
  const result = await bench.apply(yaml);
  assert.equal(result.outcome, 'wrong', JSON.stringify(result));
  return result.outcome === 'wrong' ? result.faults : [];
}

/** The codes after `#` are the faults expected on that line. */
const everything = `instances:
  acme:
    type: halo
    name: Acme
    url: https://acme.example
    credentials: { clientId: { env: ACME_ID }, clientSecret: { env: ACME_SECRET } }
    hookSecret: { env: ACME_HOOKS }                   # missing-secret
    colour: red                                       # unknown-key
  northwind:
    type: halo
    name: Northwind
    url: https://northwind.example
    credentials: { clientId: { env: NORTHWIND_ID }, clientSecret: { env: NORTHWIND_SECRET } }
    options: { concurency: 2 }                        # unknown-key
  third:
    type: halo
    name: 42                                          # wrong-type
    url: ftp://third.example                          # wrong-value
    credentials:                                      # missing-key
      clientSecret: planted-in-the-file               # secret-in-file
  Bad Id: { type: halo }                              # wrong-id
  fourth:
    type: peer                                        # type-not-available
    name: RT
    url: https://user:planted-in-url@rt.example       # wrong-url
profiles:
  msp:
    inbound:
      statusDefault: Finished                         # unknown-name
      catgories: []                                   # unknown-key
links:
  acme-northwind:
    mode: lives                                       # unknown-value
    retentionDays: 0                                  # out-of-range
    customer:
      instance: acme
      extends: mps                                    # unknown-profile
      account: { name: Northwind MSPP }               # unknown-name
      outbound:
        actions: [Private note to supplier, Privat]   # unknown-name
        escalates: { field: Scope, equal: Everybody } # unknown-key missing-key
      inbound:
        statuses:
          - { from: Done, to: Resolvd }               # unknown-name
          - { from: Done, to: Resolved }              # two-rules
          - { form: New, to: New }                    # unknown-key missing-key
          - { from: In progress, to: New }
          - { from: Dune, to: New }                   # unknown-name
        fields:
          - { from: Client due, to: Service }         # field-type-differs
          - from: Reach
            to: Scope
            options:                                  # option-unmapped
              - { from: Single user, to: One person }
        actions:
          - { from: Email customer, to: Email User, mailsUser: true }   # mail-on-mail
          - { from: Update, to: Private note to supplier }              # sends-back
    supplier:
      instance: northwind
      extends: msp
      account: { name: Acme }
      inbound: { priorities: [{ from: High, to: P11 }] }                # unknown-name
    notify: []
    notify: []                                        # duplicate-key
`;

test('every fault of a wrong file is reported at once, each at its line, with what to do', async () => {
  const yaml = everything;
  const faults = await faultsOf(yaml);
  const found = new Map<number, string[]>();
  for (const { line, code } of faults) found.set(line, [...(found.get(line) ?? []), code]);
  for (const [at, text] of yaml.split('\n').entries()) {
    const wanted = text.includes('# ')
      ? text
          .slice(text.indexOf('# ') + 2)
          .trim()
          .split(' ')
      : [];
    assert.deepEqual((found.get(at + 1) ?? []).toSorted(), wanted.toSorted(), `line ${at + 1}: ${text}`);
  }
  for (const { message, fix, column } of faults) {
    assert.ok(message.length > 10 && fix.length > 5 && column > 0);
    assert.doesNotMatch(`${message} ${fix}`, /undefined|\[object|planted/);
  }
});

test('an unknown instance is answered with the nearest one, and the rest is reported as well', async () => {
  const yaml = everything.replace('instance: northwind', 'instance: northwnd');
  const faults = await faultsOf(yaml);
  const fault = faults.find(({ code }) => code === 'unknown-instance');
  assert.equal(fault?.line, lineOf(yaml, 'northwnd'));
  assert.equal(fault?.fix, 'Did you mean "northwind"?');
  assert.ok(faults.some(({ code }) => code === 'two-rules'));
});

test('unknown keys are answered with the key that was meant', async () => {
  const faults = await faultsOf(everything);
  const fixes = faults.filter(({ code }) => code === 'unknown-key').map(({ path, fix }) => `${path} ${fix}`);
  assert.ok(fixes.includes('profiles.msp.inbound.catgories Did you mean "categories"?'), fixes.join('\n'));
  assert.ok(fixes.includes('links.acme-northwind.customer.inbound.statuses[2].form Use one of "from", "to".'));
  assert.ok(fixes.includes('links.acme-northwind.customer.outbound.escalates.equal Did you mean "equals"?'));
});

test('a row after an unreadable one keeps its own number and line', async () => {
  const faults = await faultsOf(everything);
  const fault = faults.find(({ message }) => message.includes('"Dune"'));
  assert.equal(fault?.path, 'links.acme-northwind.customer.inbound.statuses[4].from');
});

test('a fault of a profile is reported at the profile, whichever side uses it', async () => {
  const yaml = goodYaml.replace('actionDefault: Internal Note', 'actionDefault: Internal Nite');
  const [fault, ...others] = await faultsOf(yaml);
  assert.deepEqual(others, []);
  assert.equal(fault?.line, lineOf(yaml, 'Internal Nite'));
  assert.equal(fault?.path, 'profiles.msp.inbound.actionDefault');
  assert.equal(fault?.fix, 'Did you mean "Internal Note"?');
});

test('what the console of a person shows names the fault by line and column', async () => {
  const yaml = goodYaml.replace('to: Resolved }\n        actions', 'to: Resolvd }\n        actions');
  const [fault] = await faultsOf(yaml);
  const line = yaml.split('\n')[(fault?.line ?? 1) - 1] ?? '';
  assert.equal(line.slice((fault?.column ?? 1) - 1), 'Resolvd }');
  assert.equal(fault?.message, 'Acme has no status "Resolvd".');
});

const syntax: readonly (readonly [string, string, number])[] = [
  ['a tab', 'instances:\n\tacme: {}\n', 2],
  ['a quote that is not closed', "links:\n  a: 'x\n", 3],
  ['a second colon', 'links:\n  a: b: c\n', 2],
  ['an alias without an anchor', 'links: *nothing\n', 1],
  ['a tag', 'links: !secret {}\n', 1],
  ['a second document', 'links: {}\n---\nlinks: {}\n', 2],
];
for (const [name, yaml, line] of syntax) {
  test(`${name} is reported as a fault of the YAML at its line`, async () => {
    const faults = await faultsOf(yaml);
    assert.ok(
      faults.some((fault) => fault.code === 'yaml-syntax' && fault.line === line),
      JSON.stringify(faults),
    );
  });
}

test('a broken line does not hide what is wrong before it', async () => {
  const yaml = `${goodYaml.replace('name: Northwind MSP', 'name: Northwind MPS')}\n  broken: 'x\n`;
  const codes = (await faultsOf(yaml)).map(({ code }) => code);
  assert.ok(codes.includes('yaml-syntax'));
  assert.ok(codes.includes('unknown-name'));
});

const odd: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['only a comment', '# links\n'],
  ['a list', '- a\n- b\n'],
  ['a text', 'hello'],
  ['a key that JavaScript knows', '__proto__: { a: 1 }\ninstances: { __proto__: {} }\n'],
  [
    'aliases that unfold without end',
    `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
      .split('')
      .map((name, at) => `${name}: &${name} [${`*${'abcdefgh'[at]},`.repeat(9)}]`)
      .join('\n')}\n`,
  ],
  ['nesting without end', `links: ${'['.repeat(5000)}`],
  ['a side that is a text', 'links: { a: { customer: x, supplier: 3 } }\n'],
  ['a map where rows belong', 'profiles: { a: { inbound: { statuses: { New: Open } } } }\n'],
];
for (const [name, yaml] of odd) {
  test(`${name} is refused with a fault, not with a crash`, async () => {
    const faults = await faultsOf(yaml);
    assert.ok(faults.length > 0);
    assert.equal(({} as Record<string, unknown>)['a'], undefined);
  });
}

test('a secret written into the file is never repeated', async () => {
  const places = [
    goodYaml.replace('{ env: ACME_SECRET }', 'planted-secret'),
    goodYaml.replace('{ env: ACME_SECRET }', '{ env: planted-secret with spaces }'),
    goodYaml.replace('{ env: ACME_HOOK }', '[planted-secret]'),
    goodYaml.replace('hookSecret: { env: ACME_HOOK }', 'hookSecret: "planted-secret'),
    goodYaml.replace('https://acme.example', 'https://acme.example/?key=planted-secret'),
  ];
  for (const yaml of places) assert.doesNotMatch(JSON.stringify(await faultsOf(yaml)), /planted/);
});

test('an instance keeps its type and a link keeps its instances', async () => {
  const own = await openBench();
  try {
    await own.apply(goodYaml);
    own.catalogues.set('bluebird', new Error('not reached'));
    const moved = goodYaml
      .replace('acme:\n    type: halo', 'acme:\n    type: rt')
      .replace('instance: northwind', 'instance: bluebird');
    const result = await own.apply(moved);
    const codes = result.outcome === 'wrong' ? result.faults.map(({ code }) => code) : [];
    assert.ok(codes.includes('type-fixed') && codes.includes('unknown-instance') && codes.includes('instance-fixed'));
  } finally {
    await own.close();
  }
});

test('a file with tens of thousands of wrong keys costs as its length: twice as many, about twice the time', () => {
  const costOf = (n: number): number => {
    const text = `links:\n${Array.from({ length: n }, (_, i) => `  key-${i}: x\n`).join('')}`;
    const { user, system } = process.cpuUsage();
    const source = readSource(text);
    for (let i = 0; i < n; i += 1)
      source.place({ code: 'unknown-key', path: ['links', `key-${i}`], message: 'x', fix: 'y' } as Finding);
    const spent = process.cpuUsage({ user, system });
    return spent.user + spent.system;
  };
  const best = (n: number): number => Math.min(...Array.from({ length: 3 }, () => costOf(n)));
  best(500);
  assert.ok(best(16_000) < 3 * best(8_000));
});
