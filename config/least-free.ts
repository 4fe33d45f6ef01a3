/** Room that files leave on the disk: PostgreSQL may share it, and would stop for everybody. */
import type { ChosenLimits } from './env.ts';

/** Bytes. */
export function leastFreeBytes({ freeMiB = 512 }: ChosenLimits = {}): number {
  return freeMiB * 1024 * 1024;
}
