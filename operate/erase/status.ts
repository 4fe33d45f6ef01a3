/** Lists the requests to erase, in both directions, with their answers. */
import { erasures, type Erasure } from '#db/operate/erasures.ts';
import type { Operator } from '#operate/operator.ts';
import { allow, everywhere } from '#operate/rights.ts';

export type { Erasure } from '#db/operate/erasures.ts';

const most = 500;

/** Lists them, newest first, 500 at most. */
export async function erasureStatus(operator: Operator): Promise<readonly Erasure[]> {
  allow(operator, 'erase', everywhere);
  return erasures(operator.db, most);
}
