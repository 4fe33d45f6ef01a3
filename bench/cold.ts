/** Not a target: one supplier writes to customers whose couriers all sleep, so that each note wakes one. */
import { startFederation } from './federation.ts';
import { watchArrivals, write } from './load.ts';
import { percentiles, type Percentiles } from './numbers.ts';
import type { Services } from './services.ts';

export type Cold = {
  readonly customers: number;
  /** Customers that had their note when time was up; each was to get one. */
  readonly reached: number;
  readonly perSecond: number;
  readonly ms: Percentiles;
};

const atOnce = 64;

export async function measureCold(services: Services, customers: number, maxSeconds: number): Promise<Cold> {
  const federation = await startFederation({
    services,
    label: 'cold',
    customers,
    mirrors: customers,
    reverse: true,
    // A courier that has carried its note leaves at once, since nobody writes to it again.
    limits: { lingerMs: 0 },
  });
  const arrivals = await watchArrivals(federation.far);
  try {
    const times: number[] = [];
    const begun = performance.now();
    const isOver = (): boolean => performance.now() - begun > maxSeconds * 1000;
    let next = 0;
    await Promise.all(
      Array.from({ length: Math.min(atOnce, customers) }, async () => {
        for (;;) {
          const lane = federation.lanes[next];
          next += 1;
          if (lane === undefined || isOver()) return;
          const said = performance.now();
          const arrived = arrivals.next(lane.far);
          await write(federation.near, lane, '<p>To everybody.</p>');
          await arrived;
          times.push(performance.now() - said);
        }
      }),
    );
    const seconds = (performance.now() - begun) / 1000;
    return { customers, reached: times.length, perSecond: times.length / seconds, ms: percentiles(times) };
  } finally {
    arrivals.stop();
    await federation.stop();
  }
}
