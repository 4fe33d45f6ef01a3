// What a changed catalogue does to settings that fitted before.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { DrivenDesk, WorkDeps } from '#activities/deps.ts';
import { refreshCatalogue } from '#activities/watch/refresh-catalogue.ts';
import type { Catalogue } from '#core/words/vocabulary.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { goodYaml, northwindCatalogue, openBench, type Bench } from '#test/cli/support.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  assert.equal((await bench.apply(goodYaml)).outcome, 'applied');
});
afterEach(() => bench.close());

type Notice = { readonly cause: string; readonly text: string; readonly count: number; readonly open: boolean };

async function notices(): Promise<readonly Notice[]> {
  const found = await bench.connection.sql<Notice[]>`select cause, text, count, cleared_at is null as open from notices
    where cause like 'lint/%' order by first_at, cause`;
  return [...found];
}

/** Reads the desk's catalogue again, as a worker does once the one that is known is old. */
async function readAgain(instance: string, catalogue: Catalogue): Promise<void> {
  await bench.connection.sql`update catalogues set read_at = now() - interval '2 hours' where instance = ${instance}`;
  const deps = {
    db: bench.connection.db,
    cache: createVersionCache(),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  } as unknown as WorkDeps;
  const helpdesk = { catalogue: () => Promise.resolve(catalogue) };
  const desk = { instance, name: instance, type: 'halo', version: 1, helpdesk } as unknown as DrivenDesk;
  await refreshCatalogue(deps, desk, AbortSignal.timeout(30_000));
}

const renamed: Catalogue = {
  ...northwindCatalogue,
  statuses: northwindCatalogue.statuses.map((one) => (one.name === 'Done' ? { ...one, name: 'Finished' } : one)),
};

test('a status that was renamed at a desk is told once of each row that named it, however often it is read', async () => {
  await readAgain('northwind', renamed);
  const told = await notices();
  const open = told.map(({ cause }) => cause.split('/').slice(1, 4).join('/'));
  assert.ok(open.includes('error/unknown-name/customer.inbound.statuses[1].from'), open.join(', '));
  assert.ok(open.includes('error/unknown-name/supplier.inbound.statuses[0].to'), open.join(', '));
  assert.match(
    told.map(({ text }) => text).join('\n'),
    /acme-northwind: .*Northwind has no status "Done"\. .*Finished/,
  );
  await readAgain('northwind', renamed);
  assert.deepEqual(await notices(), told);
});

test('what was wrong with the settings before the desk changed is no news', async () => {
  const more: Catalogue = { ...northwindCatalogue, categories: [...northwindCatalogue.categories, 'Cloud'] };
  await readAgain('northwind', more);
  assert.deepEqual(await notices(), []);
});

test('once the desk offers it again, or the settings are mended, the notices are cleared', async () => {
  await readAgain('northwind', renamed);
  await readAgain('northwind', northwindCatalogue);
  assert.ok((await notices()).length > 0);
  assert.ok((await notices()).every(({ open }) => !open));
  await readAgain('northwind', renamed);
  bench.catalogues.set('northwind', renamed);
  const mended = goodYaml.replace('from: Done,', 'from: Finished,').replace('to: Done }', 'to: Finished }');
  assert.equal((await bench.apply(mended)).outcome, 'applied');
  assert.ok((await notices()).every(({ open }) => !open));
});

test('settings that are applied for one link tell of another link of the desk that has changed', async () => {
  const other = goodYaml
    .replaceAll('acme-northwind:', 'second:')
    .replace('{ kind: Escalate to MSP }', '{ kind: Internal Note }');
  assert.equal((await bench.apply(other)).outcome, 'applied');
  bench.catalogues.set('northwind', renamed);
  // Without the profile, which the first link has too.
  const mended = other
    .replace(/\nprofiles:[\s\S]*?(?=\nlinks:)/, '')
    .replace('from: Done,', 'from: Finished,')
    .replace('to: Done }', 'to: Finished }');
  assert.equal((await bench.apply(mended)).outcome, 'applied');
  const told = await bench.connection.sql`select distinct link from notices where cause like 'lint/%'`;
  assert.deepEqual(
    told.map(({ link }) => String(link)),
    ['acme-northwind'],
  );
});
