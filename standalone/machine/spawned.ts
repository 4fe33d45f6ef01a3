/** Starts, watches and ends one child process in its own process group. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import type { RunAs } from './user.ts';

export type SpawnOptions = {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The file to which both output streams are appended. */
  readonly logFile: string;
  readonly cwd?: string;
  readonly runAs?: RunAs | undefined;
};

export type Ending = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type Spawned = {
  readonly pid: number;
  /** Settles when the process has ended, never rejects. */
  readonly ended: Promise<Ending>;
  hasEnded(): boolean;
  kill(signal: NodeJS.Signals): void;
};

/**
 * Starts a program in its own process group, so that Ctrl-C in the terminal reaches only us, and we end the children in order.
 * @throws the error of spawn(2), for instance ENOENT or EACCES, or that of opening the log
 */
export async function spawnInGroup(options: SpawnOptions): Promise<Spawned> {
  const log = openSync(options.logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    child = spawn(options.command, options.args, {
      detached: true,
      env: { ...options.env },
      stdio: ['ignore', log, log],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.runAs === undefined ? {} : { uid: options.runAs.uid, gid: options.runAs.gid }),
    });
  } finally {
    closeSync(log);
  }
  let over = false;
  const ended = new Promise<Ending>((resolve) => {
    child.once('exit', (code, signal) => {
      over = true;
      resolve({ code, signal });
    });
  });
  const { pid } = child;
  if (pid === undefined) {
    const [error] = (await once(child, 'error')) as [Error];
    throw error;
  }
  // This event reports a signal that cannot be delivered; the exit says enough.
  child.on('error', () => {});
  return {
    pid,
    ended,
    hasEnded: () => over,
    kill: (signal) => {
      if (!over) signalGroup(pid, signal);
    },
  };
}

/** Signals the whole group; a group that has already ended is not an error. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** One step of an ending: a signal to the process itself or to its group, and how long to wait for it, in ms. */
export type EndStep = {
  readonly signal: NodeJS.Signals;
  readonly waitMs: number;
  readonly to?: 'process' | 'group';
};

/** Continues a stopped process (SIGSTOP), which otherwise handles no signal but SIGKILL. */
export function signalStep(pid: number, step: EndStep): void {
  const send = step.to === 'process' ? signalProcess : signalGroup;
  send(pid, step.signal);
  send(pid, 'SIGCONT');
}

/** Ends a process by one signal after the other until it is gone. */
export async function endBySteps(spawned: Spawned, steps: readonly EndStep[]): Promise<void> {
  for (const step of steps) {
    if (spawned.hasEnded()) return;
    signalStep(spawned.pid, step);
    await Promise.race([spawned.ended, sleep(step.waitMs, undefined, { ref: false })]);
  }
  if (!spawned.hasEnded()) spawned.kill('SIGKILL');
  await spawned.ended;
}

export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The last lines of a log, at most 4 KiB, from byte `from` on. */
export async function tailOf(logFile: string, from = 0): Promise<string> {
  try {
    const file = await open(logFile, 'r');
    try {
      const { size } = await file.stat();
      const start = Math.max(from, size - 4096);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, size - start)), 0, undefined, start);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}

/** Returns the first 64 KiB of a log from byte `from` on, so that later lines do not push out the first ones. */
export async function headOf(logFile: string, from: number): Promise<string> {
  try {
    const file = await open(logFile, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(64 * 1024), 0, undefined, from);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}

export async function sizeOf(logFile: string): Promise<number> {
  try {
    const file = await open(logFile, 'r');
    try {
      return (await file.stat()).size;
    } finally {
      await file.close();
    }
  } catch {
    return 0;
  }
}
