/** `ferry start`: runs everything on one machine, from an empty directory to a linked pair of helpdesks, and stops it. */
import { mkdir, statfs } from 'node:fs/promises';

import { isDriverFault } from '#db/base/driver-fault.ts';

import { asJson, asText } from './machine/announce.ts';
import { bringUp } from './machine/bring-up.ts';
import type { Up } from './machine/bring-up.ts';
import { Children } from './machine/children.ts';
import type { SeedDemo } from './demo/demo.ts';
import { codeOf, diskFull, errorLine, exitCodeOf, fromFileSystem } from './machine/errors.ts';
import { keptPorts } from './machine/kept.ts';
import type { PortName } from './machine/kept.ts';
import { endLeftovers } from './machine/leftovers.ts';
import { lockData } from './machine/lock.ts';
import { defaultDataDir, pathsIn, wipe } from './machine/paths.ts';
import type { Paths } from './machine/paths.ts';
import { openDemoPage, showDemo } from './demo/demo-page.ts';
import type { Programs } from './machine/programs.ts';
import { onTermination } from './machine/termination.ts';

export type StartOptions = {
  /** The data directory; by default `.ferry` beside the checkout, or for root /var/lib/ferry. */
  readonly data?: string | undefined;
  /** Wipes the data first. */
  readonly reset?: boolean | undefined;
  /** Prints one line of JSON on stdout once ready, and everything else on stderr. */
  readonly json?: boolean | undefined;
  /** Starts no twins and no demo. */
  readonly empty?: boolean | undefined;
  /** Makes Northwind a real Request Tracker, with its own data. */
  readonly rt?: boolean | undefined;
  /** Serves Temporal's pages, which need no login; naming their port also does. */
  readonly temporalUi?: boolean | undefined;
  /** Accepts a downloaded Temporal that has no pinned checksum. */
  readonly uncheckedDownload?: boolean | undefined;
  readonly ports?: Readonly<Partial<Record<PortName, number | undefined>>> | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Ends the start; by default SIGINT, SIGTERM and SIGHUP do. */
  readonly signal?: AbortSignal | undefined;
  readonly out?: Output | undefined;
  readonly seed?: SeedDemo | undefined;
  /** Programs to run instead of Ferry's own, for tests. */
  readonly programs?: Programs | undefined;
};

export type Output = { stdout(text: string): void; stderr(text: string): void };

/** PostgreSQL's cluster with its write-ahead log, and room to write an error. */
const leastFreeBytes = 192 * 1024 * 1024;

/**
 * Runs Ferry until somebody ends it, and prints why if it fails.
 * @returns the exit code: 0 after a requested end, else that of the error
 */
export async function startStandalone(options: StartOptions = {}): Promise<number> {
  const out = options.out ?? terminal();
  const say = (line: string): void => (options.json === true ? out.stderr : out.stdout)(`${line}\n`);
  const own = options.signal === undefined ? onTermination() : undefined;
  process.on('uncaughtException', endUnlessDriverFault);
  const signal = options.signal ?? own?.signal ?? new AbortController().signal;
  try {
    await run(options, { out, say, signal, impatient: own?.impatient ?? new Promise(() => {}) });
    return 0;
  } catch (error) {
    if (signal.aborted && error === signal.reason) return 0;
    out.stderr(`${errorLine(error)}\n`);
    return exitCodeOf(error);
  } finally {
    own?.release();
    process.off('uncaughtException', endUnlessDriverFault);
  }
}

/** The page asks the database all the time; a connection that ends at the wrong moment is no reason to end. */
function endUnlessDriverFault(error: unknown): void {
  if (isDriverFault(error)) return;
  console.error(error);
  process.exit(1);
}

/** A reader that goes away (`| head -1`, a closed terminal) must not bring Ferry down. */
function terminal(): Output {
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  return {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
  };
}

type Context = {
  readonly out: Output;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  readonly impatient: Promise<void>;
};

async function run(options: StartOptions, context: Context): Promise<void> {
  const { say, signal } = context;
  const paths = pathsIn(dataOf(options) ?? defaultDataDir());
  if (options.rt === true && options.empty !== true) (await import('./rt/child.ts')).assertRt();
  const lock = await lockData(paths.data, say, signal);
  try {
    await endLeftovers(paths.data, say);
    if (options.reset === true) {
      say(`wiping ${paths.data}`);
      await wipe(paths.data);
    }
    await prepare(paths);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await upAndDown(options, paths, context);
        break;
      } catch (error) {
        // Another program took a port that was free a moment ago; the next attempt chooses another port.
        if (attempt === 3 || codeOf(error) !== 'port-taken' || named(options) > 0) throw error;
        say(`${(error as Error).message.split(';')[0]}; trying other ports`);
      }
    }
    say('stopped');
  } finally {
    lock.release();
  }
}

async function upAndDown(options: StartOptions, paths: Paths, context: Context): Promise<void> {
  const { signal } = context;
  const ports = await keptPorts(paths.ports, options.ports ?? {});
  const page = options.empty === true ? undefined : await openDemoPage(ports);
  const say = (line: string): void => {
    context.say(line);
    page?.progress.say(line);
  };
  try {
    if (page !== undefined) context.say(`open ${page.url} (it shows how far this is)`);
    const children = await Children.begin(paths.data, say);
    try {
      const up = await bringUp(options, paths, children, { ports, page, say, signal });
      const shown = page === undefined ? undefined : await showDemo(page, up, children, paths, say);
      try {
        announce(options, up, context);
        await untilAborted(signal);
        context.say('stopping');
      } finally {
        await shown?.close();
      }
    } finally {
      // Stop the page first, so that nobody presses a button of something that is stopping.
      await page?.close();
      await Promise.race([children.stopAll(), context.impatient.then(() => children.killAll())]);
    }
  } finally {
    await page?.close();
  }
}

function named({ ports }: StartOptions): number {
  return Object.values(ports ?? {}).filter((port) => port !== undefined).length;
}

async function prepare(paths: Paths): Promise<void> {
  try {
    for (const dir of [paths.logs, paths.blobs, paths.temporal, paths.twins])
      await mkdir(dir, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = await statfs(paths.data);
    if (bavail * bsize < leastFreeBytes) throw diskFull(paths.data);
  } catch (error) {
    throw fromFileSystem(error, paths.data, "Ferry's data");
  }
}

/** Other types of desks need other data: in a directory beside the usual one, unless the user named one. */
function dataOf({ data, rt }: StartOptions): string | undefined {
  return data === undefined && rt === true ? `${defaultDataDir()}-rt` : data;
}

function announce(options: StartOptions, { running, demo }: Up, { out }: Context): void {
  if (options.json === true) out.stdout(`${asJson(running, demo)}\n`);
  else out.stdout(`${asText(running, demo)}\n`);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    // A pending promise alone does not keep the process alive.
    const alive = setInterval(() => {}, 60_000);
    signal.addEventListener(
      'abort',
      () => {
        clearInterval(alive);
        resolve();
      },
      { once: true },
    );
  });
}
