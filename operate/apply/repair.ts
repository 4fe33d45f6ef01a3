/** Removes from a value what its schema refuses, so that the rest can be checked in the same run. */
import type { z } from 'zod';
import type { Path } from './fault.ts';
import { flatIssues, valueAt } from './issues.ts';

export type Repaired = {
  readonly value: unknown;
  /** Paths in the file of the removed parts. */
  readonly removed: readonly Path[];
  /** Maps a path of the repaired value to the file, because earlier rows may have been removed. */
  original(path: Path): Path;
};

/** Null if the schema accepts no part of it. */
export function repair(schema: z.ZodType, value: unknown): Repaired | null {
  const removed = new Map<string, Path>();
  for (let round = 0; round < 200; round += 1) {
    const kept = rebuild(value, new Set(removed.keys()));
    const result = schema.safeParse(kept.value);
    if (result.success) return { value: kept.value, removed: [...removed.values()], original: kept.original };
    for (const issue of flatIssues(result.error.issues)) {
      const path = issue.path as Path;
      const doomed =
        issue.code === 'unrecognized_keys'
          ? issue.keys.map((key) => [...path, key])
          : [valueAt(kept.value, path) === undefined ? path.slice(0, -1) : path];
      for (const one of doomed) {
        if (one.length === 0) return null;
        const original = kept.original(one);
        removed.set(JSON.stringify(original), original);
      }
    }
  }
  return null;
}

function rebuild(
  value: unknown,
  removed: ReadonlySet<string>,
): { readonly value: unknown; original(path: Path): Path } {
  /** Of each list, by its path in the new value: the old index of each item. */
  const indices = new Map<string, number[]>();

  function copy(old: unknown, oldPath: Path, newPath: Path): unknown {
    if (Array.isArray(old)) {
      const kept = old.map((_, index) => index).filter((index) => isKept([...oldPath, index]));
      indices.set(JSON.stringify(newPath), kept);
      return kept.map((index, at) => copy(old[index], [...oldPath, index], [...newPath, at]));
    }
    if (typeof old !== 'object' || old === null) return old;
    const entries = Object.entries(old).filter(([key]) => isKept([...oldPath, key]));
    return Object.fromEntries(entries.map(([key, inner]) => [key, copy(inner, [...oldPath, key], [...newPath, key])]));
  }
  const isKept = (path: Path): boolean => !removed.has(JSON.stringify(path));

  return {
    value: copy(value, [], []),
    original: (path) =>
      path.map((step, at) =>
        typeof step === 'number' ? (indices.get(JSON.stringify(path.slice(0, at)))?.[step] ?? step) : step,
      ),
  };
}
