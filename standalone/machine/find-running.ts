/** Finds the Ferry that `ferry start` runs on this machine, for commands without a database in their options. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { local } from './ports.ts';
import { readVariables } from '#standalone/demo/demo-desks.ts';
import type { Variables } from '#standalone/demo/demo-desks.ts';
import { defaultDataDir, pathsIn } from './paths.ts';
import { user } from './postgres-cluster.ts';
import { startTimeOf } from './process-identity.ts';
import { readRunFile } from './run-file.ts';

export type RunningFerry = {
  readonly data: string;
  readonly databaseUrl: string;
  /** base64, 32 bytes. */
  readonly secretKey: string;
  readonly gatewayUrl: string;
  /** Address of its own Temporal; undefined if it uses another. */
  readonly temporalAddress: string | undefined;
  /** Ranges for the twins' addresses, which are on this machine. */
  readonly allowAddresses: readonly string[];
  /** The values of `{ env: NAME }` in the demo's links file. */
  readonly variables: Variables;
};

/** Looks for it. @param data the data directory, if not the default one @returns null if none is running or readable */
export async function findRunning(data: string = defaultDataDir()): Promise<RunningFerry | null> {
  const paths = pathsIn(data);
  const run = await readRunFile(paths.data);
  const postgres = run?.children.find(({ name }) => name === 'postgres');
  if (run === undefined || postgres === undefined) return null;
  if ((await startTimeOf(postgres.pid)) !== postgres.started) return null;
  try {
    const ports = JSON.parse(await readFile(paths.ports, 'utf8')) as Record<string, number>;
    const password = (await readFile(join(paths.data, 'postgres.password'), 'utf8')).trim();
    const secretKey = (await readFile(paths.secretKey, 'utf8')).trim();
    const { postgres: databasePort, gateway, temporal } = ports;
    if (databasePort === undefined || gateway === undefined) return null;
    const ownTemporal = run.children.some(({ name }) => name === 'temporal');
    return {
      data: paths.data,
      databaseUrl: `postgres://${user}:${password}@127.0.0.1:${databasePort}/ferry`,
      secretKey,
      gatewayUrl: local(gateway),
      temporalAddress: ownTemporal && temporal !== undefined ? `127.0.0.1:${temporal}` : undefined,
      allowAddresses: ['127.0.0.1/32'],
      variables: await readVariables(paths.demo),
    };
  } catch {
    return null;
  }
}
