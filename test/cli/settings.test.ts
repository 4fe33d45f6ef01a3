import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ferry, type Ran } from './run.ts';
import { goodYaml, openBench } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
const run = (...args: string[]): Promise<Ran> => ferry(['settings', ...args, '--database', bench.url]);
before(async () => {
  bench = await openBench();
  await bench.apply(goodYaml);
  await bench.apply(goodYaml.replace('{ from: Done, to: Resolved }', '{ from: Done, to: With supplier }'));
});
after(() => bench.close());

test('the log is a table of who saved which version when, and what it changed', async () => {
  const { code, out } = await run('log', 'acme-northwind/customer');
  assert.equal(code, 0);
  const lines = out.split('\n');
  assert.match(lines[0] ?? '', /^AT +WHO +SETTINGS +VERSION +CHANGED$/);
  assert.match(
    lines[1] ?? '',
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +ann +links\/acme-northwind\/customer +2 \(in force\) +~ inbound\.statuses\[1\]\.to: "Resolved" → "With supplier"$/,
  );
  assert.doesNotMatch(out, /planted/);
  const json = (await run('log', '--json', '--limit', '1')).out;
  assert.equal((JSON.parse(json) as { version: number }).version, 2);
});

test('a difference is shown line by line, of the last save where no versions are named', async () => {
  const { code, out } = await run('diff', 'acme-northwind/customer');
  assert.equal(code, 0);
  assert.match(out, /^links\/acme-northwind\/customer: version 1 \(ann, .*\) → version 2 \(ann, .*\)$/m);
  assert.match(out, /^~ links\.acme-northwind\.customer\.inbound\.statuses\[1\]\.to: "Resolved" → "With supplier"$/m);
  assert.match((await run('diff', 'acme-northwind/customer', '2', '2')).out, /Nothing differs\./);
});

test('a missing version, and a name without settings, each give one line', async () => {
  const missing = await run('diff', 'acme-northwind/customer', '7');
  assert.deepEqual([missing.code, missing.out], [1, '']);
  assert.match(
    missing.err,
    /^ferry: links\/acme-northwind\/customer has no version 7; it has versions 1 to 2.*\[unknown-version\]\n$/,
  );
  const wrong = await run('log', 'a/b/c');
  assert.equal(wrong.code, 64);
  assert.match(wrong.err, /\[not-a-subject\]/);
  assert.equal((await run('rollback', 'acme-northwind', 'one')).code, 64);
});
