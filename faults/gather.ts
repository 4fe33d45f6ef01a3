/**
 * `node faults/gather.ts DIR... --page docs/reliability.md` builds the tables of the page from the results that calls
 * of `npm run faults -- --out DIR` have left. Without `--page` it prints the tables.
 */
import { parseArgs } from 'node:util';
import { putTables, resultsIn } from './page.ts';
import { tables } from './tables.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { page: { type: 'string' } } });
if (positionals.length === 0) {
  process.stderr.write('node faults/gather.ts DIR... [--page FILE]\n');
  process.exit(64);
}
const results = await resultsIn(positionals);
if (values.page === undefined) process.stdout.write(tables(results));
else await putTables(values.page, results);
