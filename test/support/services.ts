// The PostgreSQL and the Temporal that tests share. `npm test` starts them once and names them in the environment;
// a test file that is run by hand starts its own and loses them when it ends, however it ends.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export type Services = {
  /** URL of the server's database `postgres`. */
  readonly postgres: string;
  /** host:port */
  readonly temporal: string;
};

export type StartedServices = Services & {
  stop(): Promise<void>;
};

export const postgresVariable = 'FERRY_TEST_PG';
export const temporalVariable = 'FERRY_TEST_TEMPORAL';

const keeper = fileURLToPath(new URL('./services-main.ts', import.meta.url));

/** The services to start; nobody waits for the others. */
export type Wanted = { readonly postgres: boolean; readonly temporal: boolean };

let lazy: { postgres?: Promise<string>; temporal?: Promise<string> } = {};

/** URL of the test server's database `postgres`, started now if nobody did. */
export function testPostgres(): Promise<string> {
  const given = process.env[postgresVariable];
  if (given) return Promise.resolve(given);
  lazy.postgres ??= startServices({ postgres: true, temporal: false }).then((s) => s.postgres);
  return lazy.postgres;
}

/** Address of the test Temporal, started now if nobody did. */
export function testTemporal(): Promise<string> {
  const given = process.env[temporalVariable];
  if (given) return Promise.resolve(given);
  lazy.temporal ??= startServices({ postgres: false, temporal: true }).then((s) => s.temporal);
  return lazy.temporal;
}

/**
 * Starts them under a keeper process that ends them, and itself, as soon as this process is gone.
 * The keeper does not hold this process open.
 */
export async function startServices(wanted: Wanted = { postgres: true, temporal: true }): Promise<StartedServices> {
  const child = spawn(process.execPath, [keeper, JSON.stringify(wanted)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // A Ctrl-C at the terminal is for us; the keeper learns of our end by the channel.
    detached: true,
  });
  const services = await firstMessage(child);
  child.unref();
  child.channel?.unref();
  return { ...services, stop: () => stopKeeper(child) };
}

function firstMessage(child: ChildProcess): Promise<Services> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => {
      const { error, ...services } = message as Services & { error?: string };
      if (error === undefined) resolve(services);
      else reject(new Error(error));
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the test services ended with ${code}`)));
  });
}

function stopKeeper(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.ref();
    child.once('exit', () => resolve());
    if (child.connected) child.disconnect();
    else child.kill('SIGTERM');
  });
}
