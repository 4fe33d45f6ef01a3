/** What commands are given, so that they can be run and watched by tests; main.ts has the real ones. */
import type { Running } from '#operate/find.ts';

/** Options that every command takes. */
export type GlobalOptions = {
  readonly database?: string;
  readonly data?: string;
  /** Who does it: `--as`. */
  readonly by?: string;
};

export type CliDeps = {
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Of the operating system; the one that used sudo. */
  account(): string;
  out(text: string): void;
  err(text: string): void;
  /** Whether a person can be asked, and how. */
  readonly isInteractive: boolean;
  ask(question: string): Promise<string>;
  /** The Ferry that `ferry start` runs here. @param data its data directory, if not the default one */
  readonly findRunning: (data?: string) => Promise<Running | null>;
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
  readonly temporalUi?: boolean;
  readonly uncheckedDownload?: boolean;
  readonly ports: Readonly<Record<string, number>>;
};

/** Whether a person says yes. */
export async function isYes({ ask }: CliDeps, question: string): Promise<boolean> {
  return /^y(?:es)?$/i.test((await ask(`${question} [y/N] `)).trim());
}
