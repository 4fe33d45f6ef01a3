/** Every sort of fault, by name. */
import type { Shape } from '#faults/shapes.ts';
import { deskFaults } from './desks.ts';
import type { Fault } from './fault.ts';
import { lineFaults } from './lines.ts';
import { restoreFaults } from './restore.ts';
import { postgresFaults, temporalFaults } from './stores.ts';
import { workerFaults } from './workers.ts';

export const faults: readonly Fault[] = [
  ...workerFaults,
  ...postgresFaults,
  ...temporalFaults,
  ...deskFaults,
  ...lineFaults,
  ...restoreFaults,
];

export function faultsOf({ areas }: Pick<Shape, 'areas'>): readonly Fault[] {
  return faults.filter(({ area }) => areas.includes(area));
}

export function faultNamed(name: string): Fault {
  const found = faults.find((one) => one.name === name);
  if (found === undefined) throw new Error(`unknown fault ${name}`);
  return found;
}
