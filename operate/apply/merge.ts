/** Implements `extends`: a side's own keys override its profile's. Lists of rows, and conditions, are replaced whole. */
import type { Path } from './fault.ts';
import { valueAt } from './issues.ts';

export type Raw = Readonly<Record<string, unknown>>;

export function mergeSide(profile: Raw, own: Raw): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...profile };
  for (const [key, value] of Object.entries(own)) {
    const under = merged[key];
    merged[key] = key !== 'escalates' && isMap(under) && isMap(value) ? mergeSide(under, value) : value;
  }
  return merged;
}

/** Returns where a path of the merged settings comes from; the side itself if both, or neither, have it. */
export function originOf(path: Path, profile: Raw, own: Raw): 'own' | 'profile' {
  return depthIn(own, path) >= depthIn(profile, path) ? 'own' : 'profile';
}

function depthIn(value: Raw, path: Path): number {
  let depth = 0;
  while (depth < path.length && valueAt(value, path.slice(0, depth + 1)) !== undefined) depth += 1;
  return depth;
}

function isMap(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
