/**
 * What a run does and when, computed from its seed alone: what people do and which faults strike. Real time only
 * decides what Ferry happens to be doing at that moment.
 */
import { chance, type Chance } from './chance.ts';
import { turns, type Shape } from './shapes.ts';

export type Deed = {
  readonly atMs: number;
  readonly what: 'escalate' | 'note' | 'private' | 'file' | 'status' | 'field' | 'note-status';
  /** The number of the conversation, counted round those that exist. For an escalation, the number of the link. */
  readonly among: number;
  readonly side: 'near' | 'far';
  /** Written into the text, between « and ». */
  readonly token: string;
  readonly status: string;
  /** The size of a file. */
  readonly bytes: number;
};

export type Strike = {
  /** The pause after the previous strike of the same row. */
  readonly pauseMs: number;
  readonly fault: string;
  readonly ms: number;
  /** Decides what the fault leaves open. */
  readonly seed: number;
};

export type Plan = {
  readonly seed: number;
  readonly shape: Shape;
  readonly minutes: number;
  readonly deeds: readonly Deed[];
  /** Rows of strikes; the rows run at the same time. */
  readonly strikes: readonly (readonly Strike[])[];
};

export type PlanOptions = {
  readonly seed: number;
  readonly minutes: number;
  readonly shape: Shape;
  /** The faults that fit the shape. */
  readonly faults: readonly string[];
  /** Average time between two deeds. */
  readonly everyMs: number;
  /** Three rows of shorter faults instead of two, so that short runs meet as many. */
  readonly dense?: boolean;
};

export const statuses = ['open', 'waiting', 'working'] as const;
/** Nobody does anything before the first conversations exist. */
const headMs = 1_500;
const conversations = 6;
const longestFile = 60_000;
/** One in this many seeds meets a given fault first, so that a series of seeds meets all of them equally often. */
const share = 3;

/** Picks the shape of a seed. Shapes take turns over the seeds. */
export function shapeOf(seed: number): Shape {
  return turns[seed % turns.length] as Shape;
}

export function makePlan({ seed, minutes, shape, faults, everyMs, dense = false }: PlanOptions): Plan {
  const lengthMs = minutes * 60_000;
  return {
    seed,
    shape,
    minutes,
    deeds: deeds(chance(seed, 'people'), seed, lengthMs, everyMs),
    strikes: strikes(chance(seed, 'faults'), seed, faults, lengthMs, dense ? thick : thin),
  };
}

function deeds(draw: Chance, seed: number, lengthMs: number, everyMs: number): Deed[] {
  const made: Deed[] = [];
  const add = (atMs: number, what: Deed['what'], among: number, side: Deed['side']): void => {
    made.push({
      ...{ atMs: Math.round(atMs), what, among, side, token: `${seed}.${made.length + 1}` },
      ...{ status: draw.pick(statuses), bytes: 200 + draw.below(longestFile) },
    });
  };
  for (let n = 0; n < conversations; n += 1) add(n * 50, 'escalate', n, 'near');
  for (let atMs = headMs; atMs < lengthMs; atMs += everyMs * draw.between(0.4, 1.6)) {
    if (draw.oneIn(50)) {
      add(atMs, 'escalate', draw.below(1_000), 'near');
      continue;
    }
    const among = draw.below(1_000);
    const side = draw.oneIn(2) ? 'near' : 'far';
    const what = whatIsDone(draw.next());
    // Now and then somebody writes several things at once.
    const times = draw.oneIn(12) ? 4 : 1;
    for (let n = 0; n < times; n += 1) add(atMs + n, what, among, side);
  }
  return made;
}

function whatIsDone(drawn: number): Deed['what'] {
  if (drawn < 0.07) return 'private';
  if (drawn < 0.15) return 'file';
  if (drawn < 0.21) return 'status';
  if (drawn < 0.27) return 'field';
  if (drawn < 0.4) return 'note-status';
  return 'note';
}

type Density = { readonly rows: number; readonly longestPauseMs: number; readonly longestMs: number };
const thin: Density = { rows: 2, longestPauseMs: 2_500, longestMs: 7_000 };
const thick: Density = { rows: 3, longestPauseMs: 1_200, longestMs: 4_000 };

function strikes(
  draw: Chance,
  seed: number,
  faults: readonly string[],
  lengthMs: number,
  { rows: count, longestPauseMs, longestMs }: Density,
): Strike[][] {
  // Seeds of one shape are as far apart as there are turns.
  const turn = Math.floor(seed / turns.length);
  const always = draw.shuffled(faults.filter((name) => /^(?:line|restore)-/.test(name)));
  const ordinary = faults.filter((name) => !always.includes(name));
  const first = draw.shuffled(ordinary.filter((_, n) => (n + turn) % share === 0));
  const others = draw.shuffled(ordinary.filter((name) => !first.includes(name)));
  const order = [...always, ...first, ...always, ...others];
  const rows: Strike[][] = Array.from({ length: count }, () => []);
  const ends = rows.map(() => headMs);
  for (let n = 0; order.length > 0; n += 1) {
    const row = ends.indexOf(Math.min(...ends));
    const strike: Strike = {
      pauseMs: Math.round(draw.between(200, longestPauseMs)),
      fault: order[n % order.length] as string,
      ms: Math.round(draw.between(1_500, longestMs)),
      seed: draw.below(2 ** 31),
    };
    ends[row]! += strike.pauseMs + strike.ms;
    if (ends[row]! > lengthMs) break;
    rows[row]!.push(strike);
  }
  return rows;
}
