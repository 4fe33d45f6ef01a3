/** The disk space that files must leave free, because PostgreSQL may share the disk and would stop without space. */
import type { ChosenLimits } from './env.ts';

/** Bytes. */
export function leastFreeBytes({ freeMiB = 512 }: ChosenLimits = {}): number {
  return freeMiB * 1024 * 1024;
}
