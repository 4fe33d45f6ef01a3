/** The body of a drain: claims the lanes that are due, carries them side by side, and lingers when there are none. */
import { setTimeout } from 'node:timers/promises';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { dueLanes, type DueLane } from '#db/carry/claim-lanes.ts';
import { instanceWorks, setInstanceState } from '#db/carry/couriers.ts';
import { deferLane, nextDueMs } from '#db/carry/lanes.ts';
import type { Carrier, Carriers } from './carrier.ts';
import type { WorkDeps } from './deps.ts';
import { InstanceTrouble, troubleOf } from './desk/instance-trouble.ts';
import { createPace, type Pace } from './pace.ts';

/** Head deliveries carried of one lane before it queues up again. */
const perTurn = 20;
/** The bell is not trusted: it looks this often anyway. Milliseconds. */
const lookEveryMs = 1_000;
/** A lane whose head somebody else was at is looked at again after this. Milliseconds. */
const otherMs = 250;
/** With so many lanes under way, and no sooner than this, more are claimed: several by one query. Milliseconds. */
const claimPause = { above: 8, ms: 12 };
/** With fewer activity slots left than this share, an idle drain leaves at once. */
const slotsShort = 0.2;

/** What the drain has found out; each of these ends it, but `works` and `name`. */
export type DrainState = {
  /** The courier is still this drain's. */
  mine: boolean;
  /** The instance has taken something in this drain. */
  works: boolean;
  /** Display name of the instance, once it is known. */
  name: string;
  trouble: InstanceTrouble | null;
  /** What a lane failed with, unexpectedly; null: nothing. */
  failure: unknown;
};

export type LanesRun = {
  readonly instance: string;
  readonly epoch: number;
  readonly signal: AbortSignal;
  readonly state: DrainState;
  /** Lanes under way, by their mirrors. */
  readonly busy: Map<string, Promise<void>>;
};

type LanesDeps = Pick<WorkDeps, 'db' | 'bells' | 'isWhole' | 'limits' | 'slotsFree'>;

/** Returns when there is nothing to do for a while, when its time is over, or when the state says that it has to end. */
export async function carryLanes(deps: LanesDeps, carriers: Carriers, run: LanesRun): Promise<void> {
  const { instance, epoch, signal, state, busy } = run;
  const bell = deps.bells.of(instance);
  const pace = createPace(deps.limits.linkPerMinute);
  const endsAt = performance.now() + deps.limits.drainMs;
  const carrierNow = await carriers(instance, { epoch, signal });
  let idleSince = performance.now();
  while (mayCarry(run) && state.failure === null && performance.now() < endsAt) {
    const carrier = await carrierNow().catch((error: unknown) => {
      if (!(error instanceof HelpdeskError)) throw error;
      state.trouble ??= troubleOf(error) ?? new InstanceTrouble('down', error.message);
      return null;
    });
    if (carrier === null) return;
    state.name = carrier.name;
    const { concurrency } = carrier;
    if (busy.size > claimPause.above) await setTimeout(claimPause.ms);
    const room = concurrency - busy.size;
    if (room > 0) {
      const claimed = await claim(deps, instance, epoch, [...busy.keys()], room);
      if (claimed === null) {
        state.mine = false;
        return;
      }
      for (const lane of claimed) start(deps, run, pace, lane, carrier.carry, () => bell.ring());
      if (claimed.length > 0) idleSince = performance.now();
      if (claimed.length === room && busy.size < concurrency) continue;
    }
    if (busy.size > 0) idleSince = performance.now();
    else if (performance.now() - idleSince > deps.limits.lingerMs || deps.slotsFree() < slotsShort) return;
    const dueMs = busy.size > 0 ? null : await nextDueMs(deps.db, instance);
    await bell.wait(Math.min(lookEveryMs, Math.max(dueMs ?? lookEveryMs, 5)), signal);
  }
}

function mayCarry({ state, signal }: LanesRun): boolean {
  return state.mine && state.trouble === null && !signal.aborted;
}

/** @param ended called when the lane is free again */
function start(
  deps: LanesDeps,
  run: LanesRun,
  pace: Pace,
  lane: DueLane,
  carry: Carrier['carry'],
  ended: () => void,
): void {
  const { state, signal, busy } = run;
  const carrying = carryLane(deps, run, pace, lane, carry)
    .catch((error: unknown) => {
      if (error instanceof InstanceTrouble) state.trouble ??= error;
      // Told to leave, a lane breaks off wherever it waits.
      else if (!signal.aborted) state.failure ??= error;
    })
    .finally(() => {
      busy.delete(lane.mirror);
      ended();
    });
  busy.set(lane.mirror, carrying);
}

async function carryLane(
  deps: LanesDeps,
  run: LanesRun,
  pace: Pace,
  lane: DueLane,
  carry: Carrier['carry'],
): Promise<void> {
  const { instance, epoch, state } = run;
  const key = { mirror: lane.mirror, to: instance };
  for (let turn = 0; turn < perTurn && mayCarry(run); turn += 1) {
    const waitMs = pace.waitMs(lane.link);
    if (waitMs > 0) {
      await deferLane(deps.db, key, epoch, waitMs);
      return;
    }
    // It was put back to an earlier state under us: its links are in quarantine now.
    if (!(await deps.isWhole())) {
      state.mine = false;
      return;
    }
    const { carried, actions } = await carry(lane, turn === 0);
    // Somebody else is at this delivery: another drain, or a person. Which one, the epoch says.
    if (carried === 'lost') state.mine = await deferLane(deps.db, key, epoch, otherMs);
    if (carried === 'lost' || carried === 'rests') return;
    pace.count(lane.link, actions);
    if (!state.works && !(await noteWorks(deps, run))) return;
    if (carried === 'ended-last') return;
  }
}

/** The instance has taken something. False: another drain has the courier. */
async function noteWorks({ db }: LanesDeps, { instance, epoch, state }: LanesRun): Promise<boolean> {
  state.works = true;
  if (!(await instanceWorks(db, instance, epoch))) {
    state.mine = false;
    return false;
  }
  await setInstanceState(db, instance, 'up', null);
  return true;
}

/** If one link fills over half of a full claim, the other half is claimed without it. */
async function claim(
  deps: Pick<WorkDeps, 'db'>,
  instance: string,
  epoch: number,
  busy: readonly string[],
  limit: number,
): Promise<DueLane[] | null> {
  const due = await dueLanes(deps.db, { instance, epoch, busy, limit });
  if (due === null || due.length < limit || limit < 2) return due;
  const half = Math.ceil(limit / 2);
  const counts = new Map<string, number>();
  for (const { link } of due) counts.set(link, (counts.get(link) ?? 0) + 1);
  const noisy = [...counts].find(([, count]) => count > half)?.[0];
  if (noisy === undefined) return due;
  const others = await dueLanes(deps.db, { instance, epoch, busy, limit: limit - half, withoutLinks: [noisy] });
  if (others === null) return null;
  const kept = due.filter((lane) => lane.link === noisy).slice(0, limit - others.length);
  return [...kept, ...others];
}
