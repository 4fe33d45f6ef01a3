// The keeper of the test services: it starts them, sends their addresses over the channel, and ends them when the
// channel closes. The kernel closes it even if the parent is killed.
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { errorLine } from '#standalone/machine/errors.ts';
import { startPostgres } from '#standalone/machine/postgres.ts';
import { startTemporal } from '#standalone/machine/temporal.ts';

import type { Services, Wanted } from './services.ts';

const wanted = JSON.parse(process.argv[2] ?? '{}') as Wanted;
const stops: (() => Promise<void>)[] = [];
const over = Promise.withResolvers<void>();
process.once('disconnect', over.resolve);
process.once('SIGTERM', over.resolve);
process.once('SIGINT', over.resolve);

const dir = await mkdtemp(join(tmpdir(), 'ferry-test-'));
await chmod(dir, 0o711);
try {
  const [postgres, temporal] = await Promise.all([
    wanted.postgres ? startTestPostgres() : '',
    wanted.temporal ? startTestTemporal() : '',
  ]);
  const services: Services = { postgres, temporal };
  process.send?.(services);
  await over.promise;
} catch (error) {
  process.send?.({ error: `${errorLine(error)}\n${await logs()}` });
} finally {
  await Promise.all(stops.map((stop) => stop()));
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  if (process.connected) process.disconnect();
}

async function startTestPostgres(): Promise<string> {
  const running = await startPostgres({
    dataDir: join(dir, 'pg'),
    durable: false,
    logFile: join(dir, 'postgres.log'),
  });
  stops.push(() => running.stop());
  return running.url('postgres');
}

async function startTestTemporal(): Promise<string> {
  const running = await startTemporal({
    dataDir: join(dir, 'temporal'),
    inMemory: true,
    logFile: join(dir, 'temporal.log'),
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  stops.push(() => running.stop());
  return running.address;
}

async function logs(): Promise<string> {
  const texts = await Promise.all(
    ['postgres.log', 'temporal.log'].map((name) => readFile(join(dir, name), 'utf8').catch(() => '')),
  );
  return texts.join('\n').slice(-4000);
}
