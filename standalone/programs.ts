// Ferry's own programs and what they are told by their environment.
import { join } from 'node:path';

import { local } from './announce.ts';
import type { RunningChild, StartChild } from './children.ts';
import type { TwinName } from './demo.ts';
import type { Ports } from './kept.ts';
import { startNodeChild } from './node-child.ts';
import { logFile, programFile } from './paths.ts';
import type { Paths } from './paths.ts';

/** Absolute paths. */
export type Programs = { readonly gateway: string; readonly worker: string; readonly twin: string };

export const standardPrograms: Programs = {
  gateway: programFile('gateway/main.ts'),
  worker: programFile('workflows/worker.ts'),
  twin: programFile('twins/halo/main.ts'),
};

export type Surroundings = {
  readonly paths: Paths;
  readonly ports: Ports;
  /** What the starter was told; settings of Ferry that it does not decide itself pass on. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly namespace: string;
  readonly secretKey: string;
  readonly adminToken: string;
  readonly programs: Programs;
  /** Ends the waiting for a child that is not ready yet. */
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
        ready: { url: `${local(s.ports.gateway)}/readyz` },
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
        args: [],
        env: ferryEnv(s),
        signal: s.signal,
        logFile: logFile(s.paths, 'worker'),
        ready: { line: /^\{"ready":true\}$/m },
      },
      onSpawn,
    );
}

export function twinChild(s: Surroundings, name: TwinName): StartChild<RunningChild> {
  const port = s.ports[name];
  return (onSpawn) =>
    startNodeChild(
      {
        name,
        program: s.programs.twin,
        args: ['--data', join(s.paths.twins, name), '--port', String(port), '--seed', name],
        env: basicEnv(s),
        signal: s.signal,
        logFile: logFile(s.paths, name),
        ready: { url: `${local(port)}/` },
        port: { number: port, option: `--${name}-port` },
      },
      onSpawn,
    );
}

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
    FERRY_ADMIN_TOKEN: s.adminToken,
    FERRY_PORT: String(s.ports.gateway),
    FERRY_BLOBS: s.paths.blobs,
  };
}

function basicEnv(s: Surroundings): Record<string, string> {
  const env: Record<string, string> = { TZ: 'UTC' };
  for (const name of ['PATH', 'HOME', 'TMPDIR', 'NODE_EXTRA_CA_CERTS']) {
    const value = s.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}
