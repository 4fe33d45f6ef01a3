/**
 * Stops two desks whose machines answer each other: design §3, loop guard `breaker`. A loop has three signs, and the
 * breaker trips only on all three: each action follows one of the other side that had arrived at its desk; the actions
 * come fast; both sides look like machines. People who type fast show only the first two.
 */
import { comparableText, sha256Hex } from '#core/text/fingerprint.ts';
import type { Person } from '#core/words/vocabulary.ts';

export const breakerChanges = 10;
export const breakerWindowMs = 60_000;

/** An action that follows one from the other side which its author can have seen. */
export type Passage = {
  /** Instant at which the action was recorded, by its own desk's clock. */
  readonly at: string;
  /** The instance it goes to. */
  readonly direction: string;
  /** Hints about its author; absent if none were recorded, which counts as a machine. */
  readonly sign?: Sign | undefined;
};

/** Hints that tell a person from a machine, without storing any text. */
export type Sign = {
  readonly role: Person['role'];
  /** Time from the arrival of the action it follows to this action, by one clock. Milliseconds; null if unknown. */
  readonly reactionMs: number | null;
  /** The clock only shows whole seconds. */
  readonly coarse: boolean;
  /** Hash of the beginning of its text, without digits; null if the text is too short to compare. */
  readonly pattern: string | null;
  /** The text is so long that nobody would type its beginning repeatedly. */
  readonly long: boolean;
};

/** `certain`: no person writes like that. `likely`: too fast and too regular, or nothing is known about the authors. */
export type Machine = 'no' | 'likely' | 'certain';

/**
 * Tells whether two desks are in a loop. Only alternating passages count: an action that answers nothing new is
 * ignored. Times are compared within one direction only, so skew between the two desks' clocks does not matter.
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

/** Takes the less certain of the two sides: a single machine stops when the person does. */
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

/** Somebody who repeatedly answers faster than this has not read the message. */
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

/** Tells whether all but one begin the same way. */
function isRepeated({ pattern }: Sign, signs: readonly Sign[]): boolean {
  return pattern !== null && signs.filter((one) => one.pattern === pattern).length >= signs.length - 1;
}

function spread(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}

/** Letters needed to compare a beginning, and letters beyond which nobody types it repeatedly. */
const patternLetters = 12;
const longLetters = 40;
/** Only the start of the text is read; more would not change how it begins. Characters. */
const looksAt = 4_000;

export type Signed = {
  readonly author: Pick<Person, 'role'>;
  readonly note: string | null;
  readonly at: string;
};

/**
 * Collects the hints of one action. @param arrivedAt instant, by the same clock, at which the action it follows had
 * arrived; null if unknown
 */
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
