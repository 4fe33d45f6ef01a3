// The Ferry that `ferry start` runs on this machine, for commands that were not told which database they are about.
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
  /** Of the Temporal that was started with it; undefined where another one is used. */
  readonly temporalAddress: string | undefined;
  /** The twins' addresses are on this machine. */
  readonly allowAddresses: readonly string[];
  /** What `{ env: NAME }` stands for in the demo's links file. */
  readonly variables: Variables;
};

/** @param data the data directory; without it the default one @returns null when none runs, or it can't be read */
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
