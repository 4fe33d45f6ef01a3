/**
 * A few threads that do one order at a time, each within a limit of time and memory. A thread that exceeds one is ended
 * and another takes its place; its order fails, and no other waits longer for it than the limit.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Answer, Order, WorkName } from './work.ts';

export type PoolLimits = {
  readonly threads: number;
  /** Processor time of one order, milliseconds. */
  readonly limitMs: number;
  /** Time on the clock that one order may take at most, on a machine that has others to serve. Milliseconds. */
  readonly atMostMs: number;
  /** Of one thread's young and old generation together. */
  readonly memoryMb: number;
};

export type Pool = {
  /** Rejects with TextLimit where the order took too long, too much memory, or failed. */
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

/** `isReady`: it has loaded its program, which counts for no order. */
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
      // What the process was started with may not fit a thread, and its environment is nobody's business there.
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
      job.reject(new TextLimit(error instanceof Error ? error.message : 'it can not be sent'));
      return;
    }
    watch(thread, job).catch(() => end(thread, 'nobody could watch it'));
  }

  /** Ends the thread when its order has used its processor time, or all the time there is. */
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

/** Null where this Node does not say. */
async function usedMs(worker: Worker): Promise<number | null> {
  if (!('cpuUsage' in worker)) return null;
  try {
    const { user, system } = await (worker as { cpuUsage(): Promise<NodeJS.CpuUsage> }).cpuUsage();
    return (user + system) / 1000;
  } catch {
    return null;
  }
}
