/** One run: a world, people and faults for a while, then healing, then the oracle. */
import { setTimeout as sleep } from 'node:timers/promises';
import { chance } from './chance.ts';
import { emptyJournal, farsOf, nearOf, tokensOf, type Journal } from './journal.ts';
import { countsOf, type Finding, type Sort } from './oracle/findings.ts';
import { judge } from './oracle/judge.ts';
import { missing, type Missing } from './oracle/missing.ts';
import { peopleAct, probe } from './people.ts';
import type { Plan, Strike } from './plan.ts';
import type { Area } from './shapes.ts';
import { faultNamed } from './strikes/all.ts';
import { startWorld, type World } from './world.ts';
import type { FaultServices } from './services.ts';

export type Struck = {
  readonly fault: string;
  /** Time since the beginning. */
  readonly atMs: number;
  readonly ms: number;
};

export type RunResult = {
  readonly seed: number;
  readonly shape: string;
  readonly minutes: number;
  /** True with three rows of faults. */
  readonly dense: boolean;
  readonly holds: boolean;
  /** The number of findings of each sort. */
  readonly counts: Readonly<Record<Sort, number>>;
  readonly findings: readonly Finding[];
  /** Time from healing until everything was carried. Null if that did not happen in time. */
  readonly recoveryMs: number | null;
  readonly struck: readonly Struck[];
  /** The notes, files and changes that people made, and the tickets they escalated. */
  readonly done: { readonly said: number; readonly set: number; readonly escalated: number };
  /** Requests per second to all desks while there is nothing to do. */
  readonly atRest: number;
  /** How many workers ended by themselves and were started again. */
  readonly restarts: number;
};

export type RunOptions = {
  readonly services: FaultServices;
  readonly plan: Plan;
  readonly label: string;
  /**
   * The time after healing within which everything must be carried. In a patient run it counts only while nothing moves
   * at any desk.
   */
  readonly withinMs: number;
  /** True if the time it takes is not judged, for a machine that is busy with other work. */
  readonly patient?: boolean;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
  /** Called with the world before it is closed. */
  readonly keep: (world: World, journal: Journal, result: RunResult) => Promise<void>;
};

/** No loop is running if nothing is written for this long. */
const quietMs = 5_000;
const quietLooks = { patient: 120, other: 12 };
const probeWithinMs = 20_000;
const lookEveryMs = 100;

export async function runOne(options: RunOptions): Promise<RunResult> {
  const { services, plan, label, withinMs, patient = false, progress, signal, keep } = options;
  const world = await startWorld({ services, shape: plan.shape, seed: plan.seed, label });
  const journal = emptyJournal();
  try {
    const begunMs = Date.now();
    const struck: Struck[] = [];
    const acting = peopleAct(world, plan, journal, signal);
    await Promise.all([acting, ...strikeAll(world, plan, begunMs, struck, signal)]);
    signal.throwIfAborted();
    const healedMs = Date.now();
    progress(`${plan.shape.name} ${plan.seed}: ${struck.length} faults have healed`);
    const carried = (): Promise<Missing[]> => untilCarried(world, journal, { withinMs, patient, signal });
    let left = await carried();
    const late: Finding[] = [];
    let passed: ReadonlySet<string> = new Set();
    if (left.length > 0) {
      const count = left.length;
      passed = await passedBy(left, signal);
      left = await carried();
      const text = `${count} things had not arrived ${withinMs / 1_000} s after healing, and then they did`;
      if (left.length === 0 && !patient) late.push({ sort: 'stuck', text });
    }
    const recoveryMs = left.length === 0 ? Date.now() - healedMs : null;
    const { round, atRest } = await quiet(world, patient ? quietLooks.patient : quietLooks.other, signal);
    const findings = [...judge({ journal, desks: world.desks, left, passed }), ...late, ...round];
    const result: RunResult = {
      ...{ seed: plan.seed, shape: plan.shape.name, minutes: plan.minutes, dense: plan.strikes.length > 2 },
      holds: findings.length === 0,
      counts: countsOf(findings),
      findings,
      recoveryMs,
      struck: struck.toSorted((a, b) => a.atMs - b.atMs),
      done: { said: journal.said.length, set: journal.set.length, escalated: journal.talks.length },
      atRest,
      restarts: world.sites.flatMap(({ workers }) => workers).reduce((sum, seat) => sum + seat.endedByItself(), 0),
    };
    await keep(world, journal, result);
    return result;
  } finally {
    await world.close();
  }
}

/**
 * Runs the rows at the same time, each strike after the previous one of its row. Two strikes of one area never overlap.
 */
function strikeAll(world: World, plan: Plan, begunMs: number, struck: Struck[], signal: AbortSignal): Promise<void>[] {
  const endMs = begunMs + plan.minutes * 60_000;
  const busy = new Map<Area, Promise<void>>();
  const one = async ({ fault: name, ms, seed }: Strike): Promise<void> => {
    const fault = faultNamed(name);
    while (busy.has(fault.area)) await busy.get(fault.area);
    const { promise, resolve } = Promise.withResolvers<void>();
    busy.set(fault.area, promise);
    const atMs = Date.now();
    try {
      await fault.strike(world, ms, chance(seed, name));
      struck.push({ fault: name, atMs: atMs - begunMs, ms: Date.now() - atMs });
    } catch (error) {
      throw new Error(`the fault ${name} could not be played: ${String(error)}`, { cause: error });
    } finally {
      busy.delete(fault.area);
      resolve();
    }
  };
  return plan.strikes.map(async (row) => {
    for (const strike of row) {
      await sleep(strike.pauseMs, undefined, { signal }).catch(() => {});
      if (signal.aborted || Date.now() + strike.ms > endMs) return;
      await one(strike);
    }
  });
}

/** Returns what is left once everything is carried or the time is over. */
async function untilCarried(
  { desks }: World,
  journal: Journal,
  { withinMs, patient, signal }: Required<Pick<RunOptions, 'withinMs' | 'patient' | 'signal'>>,
): Promise<Missing[]> {
  const changes = (): number => desks.reduce((sum, { records }) => sum + records.feed().length, 0);
  let deadline = Date.now() + withinMs;
  let before = changes();
  for (;;) {
    const left = missing(journal);
    if (left.length === 0 || Date.now() >= deadline) return left;
    signal.throwIfAborted();
    await sleep(lookEveryMs);
    const now = changes();
    if (patient && now !== before) deadline = Date.now() + withinMs;
    before = now;
  }
}

/**
 * Of the conversations on which something is missing, returns those on which something later arrives, as
 * `<token>/<side>`.
 */
async function passedBy(left: readonly Missing[], signal: AbortSignal): Promise<ReadonlySet<string>> {
  const asked = new Map<string, () => boolean>();
  for (const [n, { talk, side, token }] of left.entries()) {
    const key = `${talk.token}/${side}`;
    const word = `probe ${n}`;
    if (token === null || asked.has(key) || !probe(talk, side, word)) continue;
    const there = side === 'near' ? () => farsOf(talk) : () => [nearOf(talk)];
    asked.set(key, () => there().some((ticket) => ticket?.actions.some((one) => tokensOf(one).includes(word))));
  }
  const deadline = Date.now() + probeWithinMs;
  while ([...asked.values()].some((has) => !has()) && Date.now() < deadline && !signal.aborted)
    await sleep(lookEveryMs);
  return new Set([...asked].filter(([, has]) => has()).map(([key]) => key));
}

/** Waits until the desks are quiet. Receipts may still arrive; writes that never end mean a loop. */
async function quiet(
  { desks }: World,
  looks: number,
  signal: AbortSignal,
): Promise<{ round: Finding[]; atRest: number }> {
  const requests = (): number => desks.reduce((sum, desk) => sum + desk.requests(), 0);
  const changes = (): string => desks.map(({ id, records }) => `${id} ${records.feed().length}`).join(', ');
  const first = changes();
  for (let look = 0; look < looks; look += 1) {
    const [before, asked] = [changes(), requests()];
    await sleep(quietMs, undefined, { signal });
    if (changes() === before) return { round: [], atRest: (requests() - asked) / (quietMs / 1_000) };
  }
  const round: Finding = { sort: 'doubled', text: `something goes round: from ${first} to ${changes()}` };
  return { round: [round], atRest: 0 };
}
