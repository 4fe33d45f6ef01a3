/** Chance that comes again: a seed gives the same numbers on every machine. */

export type Chance = {
  /** In [0, 1). */
  next(): number;
  /** In [from, to). */
  between(from: number, to: number): number;
  /** A whole number in [0, count). */
  below(count: number): number;
  /** True once in so many. */
  oneIn(count: number): boolean;
  pick<T>(all: readonly T[]): T;
  shuffled<T>(all: readonly T[]): T[];
};

/** `name` keeps two users of one seed apart: what one draws does not move the other. */
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
      if (all.length === 0) throw new Error('there is nothing to pick from');
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
