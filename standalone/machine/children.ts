/** The processes of one start: recorded when they start, restarted when they die, stopped in order. */
import { setTimeout as sleep } from 'node:timers/promises';

import { startTimeOf } from './process-identity.ts';
import { childNames, removeRunFile, writeRunFile } from './run-file.ts';
import type { ChildName, Phase, RecordedChild, RecordedProcess } from './run-file.ts';
import { signalGroup } from './spawned.ts';
import type { Ending } from './spawned.ts';

export type RunningChild = {
  /** undefined if we must not end the process. */
  readonly pid?: number;
  readonly ended: Promise<Ending>;
  stop(): Promise<void>;
};

export type OnSpawn = (pid: number) => Promise<void>;

/** Starts a child, reports its pid as soon as there is one, and settles when it is ready. */
export type StartChild<C extends RunningChild> = (onSpawn: OnSpawn) => Promise<C>;

type Member = { child: RunningChild; failures: number; upSince: number };

const firstDelayMs = 500;
const longestDelayMs = 30_000;
/** After running for this long, a failure counts as a new one. Milliseconds. */
const steadyMs = 60_000;

/** Owns the processes of one start. */
export class Children {
  readonly #dataDir: string;
  readonly #say: (line: string) => void;
  readonly #starter: RecordedProcess;
  readonly #members = new Map<ChildName, Member>();
  readonly #recorded = new Map<ChildName, RecordedChild>();
  readonly #stopping = new AbortController();
  readonly #down = new Set<ChildName>();
  readonly #restarts = new Set<Promise<void>>();
  /** The children that are kept down, with the function that lets each start again. */
  readonly #pulled = new Map<ChildName, PromiseWithResolvers<void>>();
  #phase: Phase = 'starting';
  #writing: Promise<void> = Promise.resolve();

  private constructor(dataDir: string, starter: RecordedProcess, say: (line: string) => void) {
    this.#dataDir = dataDir;
    this.#starter = starter;
    this.#say = say;
  }

  static async begin(dataDir: string, say: (line: string) => void): Promise<Children> {
    const started = (await startTimeOf(process.pid)) ?? 'unknown';
    const children = new Children(dataDir, { pid: process.pid, started }, say);
    await children.#write();
    return children;
  }

  /** Starts a child and restarts it when it dies. */
  async start<C extends RunningChild>(name: ChildName, start: StartChild<C>): Promise<C> {
    this.#stopping.signal.throwIfAborted();
    const child = await start((pid) => this.#record(name, pid));
    const member = { child, failures: 0, upSince: Date.now() };
    this.#members.set(name, member);
    this.#lookAfter(name, member, start);
    return child;
  }

  async ready(): Promise<void> {
    this.#phase = 'running';
    await this.#write();
  }

  /** Kills a child, as a power cut would, and keeps it down until `plugIn`. Returns false if there is none to kill. */
  async pull(name: ChildName): Promise<boolean> {
    const member = this.#members.get(name);
    if (member === undefined || this.#stopping.signal.aborted) return false;
    if (this.#pulled.has(name)) return true;
    this.#pulled.set(name, Promise.withResolvers());
    const { child } = member;
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
    await child.ended;
    return true;
  }

  /** Lets a pulled child start again, like any restart. */
  plugIn(name: ChildName): void {
    this.#pulled.get(name)?.resolve();
    this.#pulled.delete(name);
  }

  /** Says whether the child is running. */
  isUp(name: ChildName): boolean {
    return this.#members.has(name) && !this.#down.has(name);
  }

  isPulled(name: ChildName): boolean {
    return this.#pulled.has(name);
  }

  pids(): Partial<Record<ChildName, number>> {
    return Object.fromEntries([...this.#recorded].map(([name, { pid }]) => [name, pid]));
  }

  /** Stops everything in order. Waits for children that are being restarted, then stops them too. */
  async stopAll(): Promise<void> {
    this.#phase = 'stopping';
    this.#stopping.abort();
    await this.#writeIfPossible();
    await Promise.all(this.#restarts);
    for (const name of childNames) {
      const member = this.#members.get(name);
      if (member === undefined) continue;
      await member.child.stop();
      this.#recorded.delete(name);
      await this.#writeIfPossible();
    }
    await removeRunFile(this.#dataDir);
  }

  /** Kills all in order (SIGKILL), for people who do not want to wait. Their data survive that. */
  killAll(): void {
    this.#stopping.abort();
    for (const name of childNames) {
      const recorded = this.#recorded.get(name);
      if (recorded !== undefined) signalGroup(recorded.pid, 'SIGKILL');
    }
  }

  /** Ignores a full disk, which must not prevent a stop. */
  async #writeIfPossible(): Promise<void> {
    await this.#write().catch(() => {});
  }

  #lookAfter(name: ChildName, member: Member, start: StartChild<RunningChild>): void {
    void member.child.ended.then((ending) => {
      if (this.#stopping.signal.aborted) return;
      this.#down.add(name);
      const restart = this.#startAgain(name, member, start, ending).finally(() => this.#restarts.delete(restart));
      this.#restarts.add(restart);
    });
  }

  async #startAgain(name: ChildName, member: Member, start: StartChild<RunningChild>, ending: Ending): Promise<void> {
    if (Date.now() - member.upSince > steadyMs) member.failures = 0;
    let reason = `ended by itself (${ending.signal ?? `exit code ${ending.code}`})`;
    for (;;) {
      try {
        if (!(await this.#untilPluggedIn(name))) {
          const delay = Math.min(longestDelayMs, firstDelayMs * 2 ** member.failures);
          member.failures += 1;
          this.#say(`${name} ${reason}; restarting it in ${delay / 1000} s`);
          await sleep(delay, undefined, { signal: this.#stopping.signal });
        }
        member.child = await start((pid) => this.#record(name, pid));
        member.upSince = Date.now();
        this.#down.delete(name);
        this.#lookAfter(name, member, start);
        // Pulled while it was starting.
        if (this.#pulled.has(name) && member.child.pid !== undefined) signalGroup(member.child.pid, 'SIGKILL');
        else this.#say(`${name} is running again`);
        return;
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        reason = `could not be started (${error instanceof Error ? error.message : String(error)})`;
      }
    }
  }

  /** Waits while the child is unplugged. @returns whether it was; then `plugIn` waits for the start @throws when everything is stopping */
  async #untilPluggedIn(name: ChildName): Promise<boolean> {
    const pulled = this.#pulled.get(name);
    if (pulled === undefined) return false;
    this.#say(`${name} is unplugged`);
    await Promise.race([pulled.promise, whenAborted(this.#stopping.signal)]);
    this.#stopping.signal.throwIfAborted();
    return true;
  }

  async #record(name: ChildName, pid: number): Promise<void> {
    const started = await startTimeOf(pid);
    // Already gone; the code that started it notices.
    if (started === undefined) return;
    this.#recorded.set(name, { name, pid, started });
    await this.#write();
  }

  /** Writes the record, one write after another, each with the state at its turn. */
  #write(): Promise<void> {
    this.#writing = this.#writing
      .catch(() => {})
      .then(() =>
        writeRunFile(this.#dataDir, {
          version: 1,
          phase: this.#phase,
          starter: this.#starter,
          children: [...this.#recorded.values()],
        }),
      );
    return this.#writing;
  }
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
