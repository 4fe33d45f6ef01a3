// `ferry lint`, and what `ferry apply` and `ferry status` say of the same.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createRemoteLink } from '#db/links/link-life.ts';
import { saveCatalogue } from '#db/settings/apply-links.ts';
import { noteRot } from '#db/settings/rot.ts';
import type { LintedLink } from '#operate/lint/lint.ts';
import { ferry } from './run.ts';
import { acmeCatalogue, goodYaml, northwindCatalogue, openBench, type Bench } from './support.ts';

let bench: Bench;
before(async () => {
  bench = await openBench();
  await bench.apply(goodYaml);
});
after(() => bench.close());

const lint = (...args: string[]) => ferry(['lint', ...args, '--database', bench.url]);

type Linted = { readonly links: readonly LintedLink[]; readonly errors: number };
const linted = async (...args: string[]): Promise<Linted> => JSON.parse((await lint(...args, '--json')).out) as Linted;

test('warnings are told with place, why, fix and code, and the exit code stays 0', async () => {
  const { code, out } = await lint('acme-northwind');
  assert.equal(code, 0);
  assert.match(out, /^acme-northwind: warning: customer\.inbound\.statuses: .*"New".* \[status-unmapped\]$/m);
  assert.match(out, /^1 link: 0 errors, [1-9]\d* warnings?\./m);
});

test('--json tells the same with the page of each code', async () => {
  const { links, errors } = await linted();
  assert.equal(errors, 0);
  const found = links.find(({ link }) => link === 'acme-northwind')?.findings ?? [];
  const one = found.find(({ code }) => code === 'status-unmapped');
  assert.equal(one?.severity, 'warning');
  assert.equal(one?.page, 'docs/findings/status-unmapped.md');
  assert.ok((one?.why.length ?? 0) > 0 && (one?.fix.length ?? 0) > 0);
});

test('the advice of ferry apply is what ferry lint says of it afterwards, each at its line', async () => {
  const again = await bench.apply(goodYaml, { dryRun: true });
  const { links } = await linted('acme-northwind');
  const told = links.flatMap(({ findings }) => findings).map(({ code, why }) => `${code} ${why}`);
  assert.deepEqual(again.advice.map(({ code, message }) => `${code} ${message}`).toSorted(), told.toSorted());
  assert.ok(again.advice.every(({ line }) => line > 0));
});

test('a name that a desk has no longer is an error: exit code 1, and ferry status says that somebody is needed', async () => {
  const { db } = bench.connection;
  const kinds = acmeCatalogue.kinds.filter(({ name }) => name !== 'Email User');
  const after = { ...acmeCatalogue, kinds };
  await noteRot(db, 'acme', { before: acmeCatalogue, after });
  await db.transaction((tx) => saveCatalogue(tx, 'acme', 2, after));
  const { code, out } = await lint();
  assert.equal(code, 1);
  assert.match(out, /error: customer\.inbound\.actions\[1\]\.to: Acme has no action "Email User"\. .*\[unknown-name\]/);
  const status = await ferry(['status', '--database', bench.url], { env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  assert.match(status.out, /Settings that no longer fit:\n {2}acme-northwind: .*"Email User"/);
  assert.match(status.out, /Somebody has to act:[\s\S]*acme-northwind has settings that no longer fit/);
  await db.transaction((tx) => saveCatalogue(tx, 'acme', 3, acmeCatalogue));
});

test('an unknown link is refused with the one that was meant', async () => {
  const { code, err } = await lint('acme-northwynd');
  assert.equal(code, 1);
  assert.match(err, /acme-northwind.*\[unknown-link\]/);
});

test('of a side that another gateway sets only what it offers is looked at, and nothing is said of its settings', async () => {
  const { db } = bench.connection;
  await db.transaction(async (tx) => {
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
  const before = (await linted('acme-msp')).links[0];
  assert.deepEqual(before?.unknown, ['msp-peer']);
  const yaml = `links:
  acme-msp:
    mode: live
    customer:
      instance: acme
      account: { name: Northwind MSP }
      outbound: { escalates: { kind: Internal Note }, actions: [Private note to supplier] }
      inbound:
        statuses: [{ from: Dun, to: Resolved }]
        actions: [{ from: Update, to: Internal Note }]
`;
  assert.equal((await bench.apply(yaml)).outcome, 'applied');
  await db.transaction((tx) => saveCatalogue(tx, 'msp-peer', 1, northwindCatalogue));
  const { links, errors } = await linted('acme-msp');
  const found = links[0]?.findings ?? [];
  assert.equal(errors, 0);
  assert.ok(found.every(({ place }) => place.startsWith('customer.')));
  assert.ok(found.some(({ code, place }) => code === 'unknown-name' && place === 'customer.inbound.statuses[0].from'));
  assert.ok(found.some(({ code, why }) => code === 'status-unmapped' && why.includes('"Done"')));
});
