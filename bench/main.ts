/** `npm run bench`: measures everything in one run on one machine, prints it, and leaves nothing behind. */
import { measureLatency } from './ferry.ts';
import { measureFlood } from './flood.ts';
import { measureHop } from './hop.ts';
import { measureFootprint } from './footprint.ts';
import { measureSealed } from './sealed.ts';
import { growthByCustomers, growthByHistory } from './growth.ts';
import { measureCold } from './cold.ts';
import { readOptions, usage, type Options, type Part } from './options.ts';
import { printed, report, type Measured } from './report.ts';
import { startServices } from './services.ts';
import { measureThroughput } from './throughput.ts';

async function main(args: readonly string[]): Promise<number> {
  let options: Options | 'help';
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n\n${usage}`);
    return 64;
  }
  if (options === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  const broken = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => broken.abort());
  const begun = performance.now();
  const progress = (line: string): void => {
    process.stderr.write(`${((performance.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);
  };
  const cleanUp: CleanUp = { stop: null };
  try {
    const measured = await untilBroken(measure(options, progress, broken.signal, cleanUp), broken.signal);
    const result = report(measured, options, (performance.now() - begun) / 1000);
    process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : printed(result));
    return 0;
  } catch (error) {
    if (broken.signal.aborted) {
      // Does not wait for what is still under way; its processes end with this one.
      await cleanUp.stop?.();
      process.exit(130);
    }
    process.stderr.write(`bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }
}

type CleanUp = { stop: (() => Promise<void>) | null };

async function measure(
  options: Options,
  progress: (line: string) => void,
  signal: AbortSignal,
  cleanUp: CleanUp,
): Promise<Measured> {
  const { seconds, samples, customers, pastActions, coldSeconds } = options;
  const services = await startServices(progress, signal);
  cleanUp.stop = () => services.stop();
  const measured: { -readonly [Name in keyof Measured]: Measured[Name] } = {};
  const part = async (name: Part, what: string, work: () => Promise<void>): Promise<void> => {
    signal.throwIfAborted();
    if (!options.parts.has(name)) return;
    progress(what);
    await work();
  };
  try {
    if (options.parts.has('bare') || options.parts.has('floor') || options.parts.has('ferry')) {
      progress('a bare workflow, the floor and Ferry in turns');
      measured.throughput = await measureThroughput(services, options, progress);
    }
    await part('ferry', 'Ferry one at a time, awake and asleep', async () => {
      measured.latency = await measureLatency(services, samples);
      progress(`  p50 ${measured.latency.awake.p50} ms, ${measured.latency.asleep.p50} ms`);
    });
    await part('hop', 'from gateway to gateway', async () => {
      measured.hop = await measureHop(services, seconds, samples);
      progress(`  ${measured.hop.perSecond.toFixed(0)}/s, p50 ${measured.hop.awake.p50} ms`);
    });
    await part('history', `an empty database against ${pastActions} past actions`, async () => {
      measured.history = await growthByHistory(services, pastActions, seconds, progress);
    });
    await part('customers', `10 against ${customers} customers into one supplier`, async () => {
      measured.customers = await growthByCustomers(services, customers, seconds, progress);
    });
    await part('cold', `one supplier to ${customers} cold customers`, async () => {
      measured.cold = await measureCold(services, customers, coldSeconds);
    });
    await part('flood', 'one client that floods, and its neighbour', async () => {
      measured.flood = await measureFlood(services, seconds, progress);
    });
    await part('sealed', 'Ferry with its contents sealed at rest, and without', async () => {
      measured.sealed = await measureSealed(services, seconds, progress);
      progress(`  ${measured.sealed.throughput} of the throughput, ${measured.sealed.cpu} times the CPU`);
    });
    await part('footprint', 'memory and disk of a small installation', async () => {
      measured.footprint = await measureFootprint(services, seconds);
    });
    return measured;
  } finally {
    await services.stop();
  }
}

function untilBroken<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return Promise.race([
    work,
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('broken off')), { once: true });
    }),
  ]);
}

process.exitCode = await main(process.argv.slice(2));
