/** Puts the tables of the runs' results into a page, between its two marks. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunResult } from './run.ts';
import { tables } from './tables.ts';

const begin = '<!-- begin: node faults/gather.ts -->';
const end = '<!-- end -->';

export async function resultsIn(folders: readonly string[]): Promise<RunResult[]> {
  const results: RunResult[] = [];
  for (const folder of folders) {
    for (const name of (await readdir(folder)).toSorted()) {
      if (!/^\d+-[a-z]+\.json$/.test(name)) continue;
      results.push(JSON.parse(await readFile(join(folder, name), 'utf8')) as RunResult);
    }
  }
  return results;
}

export async function putTables(page: string, results: readonly RunResult[]): Promise<void> {
  const before = await readFile(page, 'utf8');
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`${page} lacks the lines ${begin} and ${end}`);
  await writeFile(page, `${before.slice(0, from)}${begin}\n\n${tables(results)}\n${before.slice(to)}`);
}
