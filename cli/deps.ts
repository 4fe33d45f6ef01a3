/** What commands are given, so that they can be run and watched by tests; main.ts has the real ones. */
import type { Client } from '#db/base/client.ts';
import type { Connection } from '#db/base/client.ts';

export type Running = {
  readonly databaseUrl: string;
  readonly secretKey: string;
  readonly temporalAddress: string | undefined;
  readonly allowAddresses: readonly string[];
  /** Where it has one. */
  readonly publicUrl?: string | undefined;
  /** For `{ env: NAME }` in links files, where the environment has no such variable. */
  readonly variables?: Readonly<Record<string, string>>;
};

export type CliDeps = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  out(text: string): void;
  err(text: string): void;
  /** Whether a person can be asked, and how. */
  readonly isInteractive: boolean;
  ask(question: string): Promise<string>;
  /** The Ferry that `ferry start` runs here. @param data its data directory, if not the default one */
  findRunning(data?: string): Promise<Running | null>;
  /** Programs that run until they are stopped. Return the exit code. */
  readonly programs: {
    start(options: StartOptions): Promise<number>;
    gateway(): Promise<number>;
    worker(): Promise<number>;
  };
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
};

export type StartOptions = {
  readonly data?: string;
  readonly reset?: boolean;
  readonly json?: boolean;
  readonly empty?: boolean;
  readonly rt?: boolean;
  readonly ports: Readonly<Record<string, number>>;
};

export type { Client, Connection };
