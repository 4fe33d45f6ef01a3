/** The dependencies of commands, passed in so that tests can replace them; main.ts has the real ones. */
import type { Running } from '#operate/find.ts';

/** Options that every command takes. */
export type GlobalOptions = {
  readonly database?: string;
  readonly data?: string;
  /** The person's name: `--as`. */
  readonly by?: string;
};

export type CliDeps = {
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The operating system's account; under sudo, the account that called it. */
  account(): string;
  out(text: string): void;
  err(text: string): void;
  /** Says whether a person can answer questions, and asks them. */
  readonly isInteractive: boolean;
  ask(question: string): Promise<string>;
  /** Finds the Ferry that `ferry start` runs here. @param data its data directory, if not the default one */
  readonly findRunning: (data?: string) => Promise<Running | null>;
  /** Programs that run until somebody stops them. They return the exit code. */
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

/** Asks a person to confirm. */
export async function isYes({ ask }: CliDeps, question: string): Promise<boolean> {
  return /^y(?:es)?$/i.test((await ask(`${question} [y/N] `)).trim());
}
