// Takes the place of a twin that loses the race for its port on its first run.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const data = process.argv[process.argv.indexOf('--data') + 1] ?? '';
// Beside the twins' directories, so that the two of them lose once in total.
const mark = join(dirname(data), 'lost');
if (existsSync(mark)) await import('./server.ts');
else {
  mkdirSync(dirname(mark), { recursive: true });
  writeFileSync(mark, '');
  console.error('Error: listen EADDRINUSE: address already in use');
  process.exitCode = 1;
}
