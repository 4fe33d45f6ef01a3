/**
 * Stops two desks that answer each other by machine: design §3, loop guard `breaker`. A circle has three marks, and all
 * three are asked for: each action follows one of the other side that had arrived at its desk, they come fast, and both
 * sides look like machines. People who talk fast have the first two.
 */
import { comparableText, sha256Hex } from '#core/text/fingerprint.ts';
import type { Person } from '#core/words/vocabulary.ts';

export const breakerChanges = 10;
export const breakerWindowMs = 60_000;

/** An action that follows one of the other side, which its author can have seen. */
export type Passage = {
  /** Instant at which the action was recorded, by its own desk's clock. */
  readonly at: string;
  /** The instance it travels to. */
  readonly direction: string;
  /** What it tells of its author; absent where nobody kept it, which is taken for a machine. */
  readonly sign?: Sign | undefined;
};

/** What tells a person from a machine, without keeping a text. */
export type Sign = {
  readonly role: Person['role'];
  /** From the arrival of what it follows to the action, by one clock. Milliseconds; null where that is not known. */
  readonly reactionMs: number | null;
  /** The clock shows whole seconds. */
  readonly coarse: boolean;
  /** What its text begins with, numbers left out, as a hash; null where that is too little to tell. */
  readonly pattern: string | null;
  /** The text is so long that nobody types its beginning again and again. */
  readonly long: boolean;
};

/** `certain`: nobody talks like that. `likely`: too fast and too even, or nothing is known of the authors. */
export type Machine = 'no' | 'likely' | 'certain';

/**
 * The passages alternate: an action in answer to nothing new is none. Those of one direction are compared with each other
 * only, so that the skew between the two desks' clocks does not matter.
 */
export function breaker(passages: readonly Passage[]): { readonly tripped: boolean; readonly machine: Machine } {
  const changes: Passage[] = [];
  let before: Passage | undefined;
  for (const passage of passages) {
    if (before !== undefined && passage.direction !== before.direction) changes.push(passage);
    before = passage;
  }
  for (let last = breakerChanges - 1; last < changes.length; last += 1) {
    const machine = circle(changes.slice(last - breakerChanges + 1, last + 1));
    if (machine !== 'no') return { tripped: true, machine };
  }
  return { tripped: false, machine: 'no' };
}

const certainty: Readonly<Record<Machine, number>> = { no: 0, likely: 1, certain: 2 };

/** As certain as the less certain of the two sides: one machine alone stops when the person does. */
function circle(changes: readonly Passage[]): Machine {
  const sides = [0, 1].map((parity) => changes.filter((_, index) => index % 2 === parity));
  if (!sides.every(isBurst)) return 'no';
  const [one = 'no', other = 'no'] = sides.map(machineOf);
  return certainty[one] < certainty[other] ? one : other;
}

function isBurst(sameWay: readonly Passage[]): boolean {
  const times = sameWay.map(({ at }) => Date.parse(at));
  return Math.max(...times) - Math.min(...times) <= breakerWindowMs;
}

/** Who answers sooner, again and again, has not read. */
const promptMs = 1_000;
const evenMs = 300;

function machineOf(sameWay: readonly Passage[]): Machine {
  const signs = sameWay.flatMap(({ sign }) => (sign === undefined ? [] : [sign]));
  if (signs.length < sameWay.length) return 'likely';
  if (signs.every(({ role }) => role === 'automation')) return 'certain';
  const reactions = signs.flatMap(({ reactionMs }) => (reactionMs === null ? [] : [reactionMs]));
  const isCoarse = signs.some(({ coarse }) => coarse);
  const isPrompt = reactions.every((one) => one <= promptMs + (isCoarse ? 1_000 : 0));
  const repeated = signs.find((sign) => isRepeated(sign, signs));
  if (repeated !== undefined && (repeated.long || isPrompt)) return 'certain';
  const isTimed = reactions.length === signs.length && !isCoarse;
  return isTimed && isPrompt && spread(reactions) <= evenMs ? 'likely' : 'no';
}

/** All but one begin the same way. */
function isRepeated({ pattern }: Sign, signs: readonly Sign[]): boolean {
  return pattern !== null && signs.filter((one) => one.pattern === pattern).length >= signs.length - 1;
}

function spread(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}

/** Letters from which a beginning tells something, and from which nobody types it again and again. */
const patternLetters = 12;
const longLetters = 40;
/** A longer text says no more of how it begins. */
const looksAt = 4_000;

export type Signed = {
  readonly author: Pick<Person, 'role'>;
  readonly note: string | null;
  readonly at: string;
};

/** @param arrivedAt instant, by the same clock, at which what it follows had arrived; null where that is not known */
export function signOf({ author, note, at }: Signed, arrivedAt: string | null): Sign {
  const letters = comparableText((note ?? '').slice(0, looksAt)).replaceAll(/[^\p{L}]+/gu, '');
  const begins = letters.slice(0, longLetters);
  const instants = arrivedAt === null ? [at] : [at, arrivedAt];
  return {
    role: author.role,
    reactionMs: arrivedAt === null ? null : Math.max(0, Date.parse(at) - Date.parse(arrivedAt)),
    coarse: instants.every((one) => Date.parse(one) % 1_000 === 0),
    pattern: begins.length < patternLetters ? null : sha256Hex(begins).slice(0, 16),
    long: begins.length >= longLetters,
  };
}
