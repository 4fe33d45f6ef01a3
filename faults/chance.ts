/** Repeatable chance: a seed gives the same numbers on every machine. */

export type Chance = {
  /** In [0, 1). */
  next(): number;
  /** In [from, to). */
  between(from: number, to: number): number;
  /** A whole number in [0, count). */
  below(count: number): number;
  /** True once in `count` draws, on average. */
  oneIn(count: number): boolean;
  pick<T>(all: readonly T[]): T;
  shuffled<T>(all: readonly T[]): T[];
};

/**
 * Starts a sequence of random numbers. `name` separates two users of the same seed, so that the draws of one do not
 * shift those of the other.
 */
export function chance(seed: number, name: string): Chance {
  let state = hash(`${seed}/${name}`);
  const next = (): number => {
    // Weyl sequence through the finaliser of MurmurHash3.
    state = (state + 0x9e3779b9) | 0;
    return mix(state) / 2 ** 32;
  };
  const below = (count: number): number => Math.floor(next() * count);
  return {
    next,
    below,
    between: (from, to) => from + next() * (to - from),
    oneIn: (count) => below(count) === 0,
    pick<T>(all: readonly T[]): T {
      if (all.length === 0) throw new Error('cannot pick from an empty list');
      return all[below(all.length)] as T;
    },
    shuffled<T>(all: readonly T[]): T[] {
      const left = [...all];
      return all.map(() => left.splice(below(left.length), 1)[0] as T);
    },
  };
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const char of text) value = mix(Math.imul(value ^ (char.codePointAt(0) ?? 0), 0x01000193));
  return value;
}

function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
