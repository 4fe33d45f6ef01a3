import type { InstanceType } from './vocabulary.ts';

/** A peer gateway or an in-house tool speaks for it: nothing is read or written there, only handed over and received. */
export function isRemote(type: InstanceType): boolean {
  return type === 'peer' || type === 'api';
}
