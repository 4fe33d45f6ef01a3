/**
 * A few threads, each of which runs one order at a time within a limit of time and of memory. A thread that exceeds a
 * limit is terminated and replaced; its order fails, and no other order waits for it longer than the limit.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Answer, Order, WorkName } from './work.ts';

export type PoolLimits = {
  readonly threads: number;
  /** Processor time that one order may use, in milliseconds. */
  readonly limitMs: number;
  /** Wall-clock time that one order may take at most, on a machine that is busy with other work. In milliseconds. */
  readonly atMostMs: number;
  /** For the young and the old generation of one thread together. */
  readonly memoryMb: number;
};

export type Pool = {
  /** Rejects with TextLimit if the order took too long, used too much memory, or failed. */
  run(name: WorkName, given: readonly unknown[]): Promise<unknown>;
  close(): Promise<void>;
};

export class TextLimit extends Error {
  override readonly name = 'TextLimit';
}

type Job = {
  readonly name: WorkName;
  readonly given: readonly unknown[];
  resolve(result: unknown): void;
  reject(error: Error): void;
};

/** `isReady`: the thread has loaded its program. The time for loading counts towards no order. */
type Thread = { readonly worker: Worker; isReady: boolean; job: Job | null; timer: NodeJS.Timeout | null };

const program = new URL(`./thread${extname(import.meta.url)}`, import.meta.url);
const lookMs = 250;

export function createPool(limits: PoolLimits): Pool {
  const threads = new Set<Thread>();
  const waiting: Job[] = [];
  let nextId = 0;
  let closed = false;

  function next(): void {
    if (closed) return;
    for (const thread of threads) if (thread.job === null) give(thread);
    while (waiting.length > 0 && threads.size < limits.threads) give(start());
  }

  function start(): Thread {
    const worker = new Worker(program, {
      // The options the process was started with may not suit a thread, and its environment is none of the thread's business.
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb },
    });
    const thread: Thread = { worker, isReady: false, job: null, timer: null };
    worker.unref();
    worker.on('message', (answer: Answer | { readonly ready: true }) => {
      const { job } = thread;
      if ('ready' in answer) {
        thread.isReady = true;
        if (job !== null) send(thread, job);
        return;
      }
      idle(thread);
      if ('failed' in answer) job?.reject(new TextLimit(answer.failed));
      else job?.resolve(answer.result);
      next();
    });
    worker.on('error', (error: Error) => end(thread, error.message));
    worker.on('exit', () => end(thread, 'the thread has ended'));
    threads.add(thread);
    return thread;
  }

  function give(thread: Thread): void {
    const job = waiting.shift();
    if (job === undefined) return;
    thread.job = job;
    thread.worker.ref();
    if (thread.isReady) send(thread, job);
  }

  function send(thread: Thread, job: Job): void {
    nextId += 1;
    const order: Order = { id: nextId, name: job.name, given: job.given };
    try {
      thread.worker.postMessage(order);
    } catch (error) {
      idle(thread);
      job.reject(new TextLimit(error instanceof Error ? error.message : 'it cannot be sent'));
      return;
    }
    watch(thread, job).catch(() => end(thread, 'nobody could watch it'));
  }

  /** Terminates the thread once its order has used its processor time, or all the wall-clock time it is allowed. */
  async function watch(thread: Thread, job: Job): Promise<void> {
    const before = await usedMs(thread.worker);
    const startedMs = performance.now();
    const look = async (): Promise<void> => {
      if (thread.job !== job) return;
      const tookMs = performance.now() - startedMs;
      const after = await usedMs(thread.worker);
      if (thread.job !== job) return;
      const used = before === null || after === null ? tookMs : after - before;
      if (used >= limits.limitMs || tookMs >= limits.atMostMs) end(thread, 'it took too long');
      else later();
    };
    const later = (): void => {
      if (thread.job !== job) return;
      thread.timer = setTimeout(() => void look().catch(() => end(thread, 'nobody could watch it')), lookMs);
    };
    later();
  }

  function idle(thread: Thread): void {
    if (thread.timer !== null) clearTimeout(thread.timer);
    thread.timer = null;
    thread.job = null;
    thread.worker.unref();
  }

  function end(thread: Thread, why: string): void {
    if (!threads.delete(thread)) return;
    const { job } = thread;
    idle(thread);
    void thread.worker.terminate();
    job?.reject(new TextLimit(why));
    next();
  }

  return {
    run: (name, given) =>
      new Promise((resolve, reject) => {
        if (closed) {
          reject(new TextLimit('it is closed'));
          return;
        }
        waiting.push({ name, given, resolve, reject });
        next();
      }),
    async close() {
      closed = true;
      for (const job of waiting.splice(0)) job.reject(new TextLimit('it is closed'));
      const open = [...threads];
      for (const thread of open) end(thread, 'it is closed');
      await Promise.all(open.map(({ worker }) => worker.terminate()));
    },
  };
}

/** Null if this version of Node does not report it. */
async function usedMs(worker: Worker): Promise<number | null> {
  if (!('cpuUsage' in worker)) return null;
  try {
    const { user, system } = await (worker as { cpuUsage(): Promise<NodeJS.CpuUsage> }).cpuUsage();
    return (user + system) / 1000;
  } catch {
    return null;
  }
}
