/**
 * `node faults/gather.ts DIR... --page docs/reliability.md`: makes the tables of the page from the results that calls of
 * `npm run faults -- --out DIR` have left, between the page's two marks. Without `--page` it prints them.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RunResult } from './run.ts';
import { tables } from './tables.ts';

const begin = '<!-- begin: node faults/gather.ts -->';
const end = '<!-- end -->';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { page: { type: 'string' } } });
if (positionals.length === 0) {
  process.stderr.write('node faults/gather.ts DIR... [--page FILE]\n');
  process.exit(64);
}
const text = tables(await resultsIn(positionals));
if (values.page === undefined) process.stdout.write(text);
else await put(values.page, text);

async function resultsIn(folders: readonly string[]): Promise<RunResult[]> {
  const results: RunResult[] = [];
  for (const folder of folders) {
    for (const name of (await readdir(folder)).toSorted()) {
      if (!/^\d+-[a-z]+\.json$/.test(name)) continue;
      results.push(JSON.parse(await readFile(join(folder, name), 'utf8')) as RunResult);
    }
  }
  return results;
}

async function put(page: string, made: string): Promise<void> {
  const before = await readFile(page, 'utf8');
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`${page} lacks the lines ${begin} and ${end}`);
  await writeFile(page, `${before.slice(0, from)}${begin}\n\n${made}\n${before.slice(to)}`);
}
