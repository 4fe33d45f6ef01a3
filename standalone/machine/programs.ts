/** Ferry's own programs and the environment of each. */
import { join } from 'node:path';

import { local } from './ports.ts';
import type { RunningChild, StartChild } from './children.ts';
import type { DemoDesks, TwinName } from '#standalone/demo/demo-desks.ts';
import type { Ports } from './kept.ts';
import { startNodeChild } from './node-child.ts';
import { logFile } from './paths.ts';
import { programFile } from '#config/tree.ts';
import type { Paths } from './paths.ts';
import { cacheDirectory } from './temporal-find.ts';

/** Absolute paths. */
export type Programs = { readonly gateway: string; readonly worker: string; readonly twin: string };

export const standardPrograms: Programs = {
  gateway: programFile('gateway/main.ts'),
  worker: programFile('worker/main.ts'),
  twin: programFile('twins/halo/main.ts'),
};

export type Surroundings = {
  readonly paths: Paths;
  readonly ports: Ports;
  /** The starter's own environment; Ferry's settings in it pass to the programs unless the starter decides them. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly namespace: string;
  readonly secretKey: string;
  readonly programs: Programs;
  /** Ends the wait for a child that is not ready yet. */
  readonly signal: AbortSignal;
};

export function gatewayChild(s: Surroundings): StartChild<RunningChild> {
  return (onSpawn) =>
    startNodeChild(
      {
        name: 'gateway',
        program: s.programs.gateway,
        args: [],
        env: ferryEnv(s),
        signal: s.signal,
        logFile: logFile(s.paths, 'gateway'),
        ready: /^\{"ready":true[,}]/m,
        port: { number: s.ports.gateway, option: '--port' },
      },
      onSpawn,
    );
}

export function workerChild(s: Surroundings): StartChild<RunningChild> {
  return (onSpawn) =>
    startNodeChild(
      {
        name: 'worker',
        program: s.programs.worker,
        args: ['--bundle-cache', join(cacheDirectory(s.env), 'workflows')],
        env: ferryEnv(s),
        signal: s.signal,
        logFile: logFile(s.paths, 'worker'),
        ready: /^\{"ready":true\}$/m,
      },
      onSpawn,
    );
}

/** The variables that a twin needs; it knows neither the database nor Temporal. */
export type TwinSurroundings = Pick<Surroundings, 'paths' | 'ports' | 'env' | 'programs' | 'signal'> & {
  readonly desks: DemoDesks;
};

export function twinChild(s: TwinSurroundings, name: TwinName): StartChild<RunningChild> {
  const port = s.ports[name];
  const { clientId, clientSecret } = s.desks[name];
  // For those who work on Ferry: a module that is shown every request.
  const watch = s.env['HALO_TWIN_WATCH'];
  return (onSpawn) =>
    startNodeChild(
      {
        name,
        program: s.programs.twin,
        args: [
          ...['--data', join(s.paths.twins, name), '--port', String(port), '--seed', `${name}-demo`],
          ...['--client-id', clientId, '--rate-limit', String(demoRateLimit)],
          ...['--frame-ancestors', local(s.ports.page)],
          ...(watch === undefined ? [] : ['--watch', watch]),
        ],
        env: { ...basicEnv(s), HALO_TWIN_SECRET: clientSecret },
        signal: s.signal,
        logFile: logFile(s.paths, name),
        ready: /^\{"url":"http/m,
        port: { number: port, option: `--${name}-port` },
      },
      onSpawn,
    );
}

/** Requests in five minutes: Halo's own limit of 300 would end a demo that somebody plays twice. */
const demoRateLimit = 3_000;

function ferryEnv(s: Surroundings): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(s.env))
    if (name.startsWith('FERRY_') && !name.startsWith('FERRY_TEST_') && value !== undefined) passed[name] = value;
  return {
    ...basicEnv(s),
    FERRY_LOG: 'info',
    // The twins are on this machine, over plain http.
    FERRY_ALLOW_ADDRESSES: '127.0.0.1/32',
    ...passed,
    DATABASE_URL: s.databaseUrl,
    TEMPORAL_ADDRESS: s.temporalAddress,
    TEMPORAL_NAMESPACE: s.namespace,
    FERRY_SECRET_KEY: s.secretKey,
    FERRY_PORT: String(s.ports.gateway),
    FERRY_BLOBS: s.paths.blobs,
  };
}

function basicEnv(s: Pick<Surroundings, 'env'>): Record<string, string> {
  // Node caches the compiled TypeScript, which saves a third of the start.
  const env: Record<string, string> = { TZ: 'UTC', NODE_COMPILE_CACHE: join(cacheDirectory(s.env), 'node') };
  for (const name of ['PATH', 'HOME', 'TMPDIR', 'NODE_EXTRA_CA_CERTS', 'NODE_COMPILE_CACHE']) {
    const value = s.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}
