/**
 * `npm run faults`: people and a nemesis at the desks, one Ferry or several, and an oracle that looks at nothing but
 * the desks.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { surviveDriverFault } from '#db/base/driver-fault.ts';
import { runCases } from './cases.ts';
import { keepRun, keptResult, nameOf } from './keep.ts';
import { putTables, resultsIn } from './page.ts';
import { readOptions, usage, type Options } from './options.ts';
import { makePlan, shapeOf, type Plan } from './plan.ts';
import { printed } from './printed.ts';
import { runOne, type RunResult } from './run.ts';
import { startFaultServices } from './services.ts';
import { shapeNamed } from './shapes.ts';
import { faultsOf } from './strikes/all.ts';

/**
 * Time for everything beside the faults themselves: start, recovery, checks, stop. After it, whatever still hangs is
 * ended.
 */
const spareMs = 5 * 60_000;

async function main(args: readonly string[]): Promise<number> {
  let options: Options | 'help';
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`faults: ${(error as Error).message}\n\n${usage}`);
    return 64;
  }
  if (options === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  if (options.cases.length > 0) return runCases(options.cases);
  const say = (detail: object, text: string): void => void process.stderr.write(`faults: ${text} ${inspect(detail)}\n`);
  surviveDriverFault({ warn: say, fatal: say });
  const broken = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => broken.abort());
  return runSeeds(options, broken.signal);
}

async function runSeeds(options: Options, signal: AbortSignal): Promise<number> {
  const begunMs = Date.now();
  const out = options.out ?? (await mkdtemp(join(tmpdir(), 'ferry-faults-out-')));
  const progress = (line: string): void =>
    void process.stderr.write(`${String(Math.round((Date.now() - begunMs) / 1_000)).padStart(4)} s  ${line}\n`);
  progress(`results are kept in ${out}`);
  let code = 0;
  for (const seed of options.seeds) {
    if (Date.now() - begunMs > options.forMs) {
      progress('the time is over; run the same command again to continue with the rest');
      break;
    }
    const plan = planOf(options, seed);
    const name = nameOf({ seed, shape: plan.shape.name });
    if ((await keptResult(out, name)) !== undefined) continue;
    progress(`${name} begins`);
    const result = await watched(options, plan, () => oneSeed(options, plan, out, progress, signal)).catch(
      (error: unknown) => {
        if (signal.aborted) throw error;
        progress(`${name} could not be run to its end and is left out: ${String(error)}`);
      },
    );
    if (result === undefined) {
      code = 70;
      continue;
    }
    process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : printed(result));
    if (!result.holds && code === 0) code = 1;
  }
  if (options.page !== undefined) await putTables(options.page, await resultsIn([out]));
  return code;
}

function planOf({ minutes, shape: named, only, everyMs, dense }: Options, seed: number): Plan {
  const shape = (named === undefined ? undefined : shapeNamed(named)) ?? shapeOf(seed);
  const faults = faultsOf(shape)
    .map(({ name }) => name)
    .filter((name) => only?.includes(name) ?? true);
  return makePlan({ seed, minutes, shape, faults, everyMs, dense });
}

async function oneSeed(
  options: Options,
  plan: Plan,
  out: string,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<RunResult> {
  // Each run has its own services, so that what one run does to them cannot affect the next.
  const services = await startFaultServices(signal);
  try {
    return await runOne({
      ...{ services, plan, label: `s${plan.seed}`, withinMs: options.withinMs, progress, signal },
      async keep(world, journal, result) {
        const again = againOf(options, plan);
        const folder = await keepRun(out, { world, journal, plan, result, again });
        if (folder !== undefined) progress(`broken: ${folder} has everything; again: ${again}`);
      },
    });
  } finally {
    await services.stop();
  }
}

function againOf({ minutes, only, everyMs, dense }: Options, { seed, shape }: Plan): string {
  const faults = only === undefined ? '' : ` --only ${only.join(',')}`;
  const density = dense ? ' --dense' : '';
  return `npm run faults -- --seed ${seed} --shape ${shape.name} --minutes ${minutes} --every ${everyMs}${density}${faults}`;
}

/** Ends the whole program, with everything that it has started, if a run does not end by itself. */
async function watched(
  { withinMs }: Options,
  { minutes, seed }: Plan,
  work: () => Promise<RunResult>,
): Promise<RunResult> {
  const timer = setTimeout(
    () => {
      process.stderr.write(`faults: the run of seed ${seed} does not end; stopping everything\n`);
      process.exit(70);
    },
    minutes * 60_000 + withinMs + spareMs,
  );
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
}

process.exit(
  await main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`faults: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 70;
  }),
);
