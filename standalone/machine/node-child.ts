/** Runs one of Ferry's own programs as a child, with this Node, and waits until it is ready. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { OnSpawn, RunningChild } from './children.ts';
import { childFailed, portTaken } from './errors.ts';
import { endings } from './leftovers.ts';
import { rotateLog } from './paths.ts';
import type { ChildName } from './run-file.ts';
import { endBySteps, headOf, sizeOf, spawnInGroup, tailOf } from './spawned.ts';

export type NodeChildOptions = {
  readonly name: ChildName;
  /** The program's absolute path. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly ready: Readiness;
  /** Ends the child while we wait for it. */
  readonly signal?: AbortSignal | undefined;
  /** The port it listens on and the option that names it, for the message when it is taken. */
  readonly port?: { readonly number: number; readonly option: string } | undefined;
};

/**
 * The line that the program prints when it is ready. An answer at its port is not enough: it may come from another program
 * that has taken the port.
 */
export type Readiness = RegExp;

const readyWithinMs = 60_000;

/** Starts it. @throws StandaloneError child-failed with its last message, port-taken */
export async function startNodeChild(
  options: NodeChildOptions,
  onSpawn: OnSpawn,
): Promise<RunningChild & { readonly pid: number }> {
  await rotateLog(options.logFile);
  const from = await sizeOf(options.logFile);
  const child = await spawnInGroup({
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', options.program, ...options.args],
    env: options.env,
    logFile: options.logFile,
  });
  const stop = (): Promise<void> => endBySteps(child, endings[options.name]);
  try {
    await onSpawn(child.pid);
    const deadline = Date.now() + readyWithinMs;
    while (!options.ready.test(await headOf(options.logFile, from))) {
      options.signal?.throwIfAborted();
      if (child.hasEnded()) {
        const { code, signal } = await child.ended;
        const log = await tailOf(options.logFile, from);
        if (options.port !== undefined && /EADDRINUSE/.test(log))
          throw portTaken(options.port.number, options.name, options.port.option);
        throw childFailed(options.name, `it ended (${signal ?? code})${lastWord(log)}`, options.logFile);
      }
      if (Date.now() > deadline)
        throw childFailed(options.name, `it was not ready within ${readyWithinMs / 1000} seconds`, options.logFile);
      await sleep(40);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid, ended: child.ended, stop };
}

/** Picks the most useful line of a log: one with an error, or else the last. */
function lastWord(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '' && !/^\s+at |^Node\.js v/.test(line));
  const line = lines.findLast((text) => /error/i.test(text)) ?? lines.at(-1);
  return line === undefined ? '' : `, saying "${line.trim().slice(0, 300)}"`;
}
