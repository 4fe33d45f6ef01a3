/** The two ends of a link, and of each of its mirrors: anything that exists once per side. */
import type { SideName } from './vocabulary.ts';

export type Ends<T> = Readonly<Record<SideName, T>>;

const others: Ends<SideName> = { customer: 'supplier', supplier: 'customer' };

export function otherSide(side: SideName): SideName {
  return others[side];
}
