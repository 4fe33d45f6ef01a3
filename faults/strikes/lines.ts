/** Faults on the way between two gateways. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './fault.ts';

const longestRequest = 6_000;

export const lineFaults: readonly Fault[] = [
  {
    name: 'line-cut',
    says: 'connections between gateways break at any byte, either way',
    area: 'line',
    async strike(world, ms, chance) {
      for (const { front } of world.sites)
        for (let n = 0; n < 10; n += 1)
          front.cut({
            way: chance.oneIn(2) ? 'up' : 'down',
            afterBytes: Math.floor(chance.next() ** 2 * longestRequest),
          });
      await sleep(ms);
      for (const { front } of world.sites) front.mend();
    },
  },
  {
    name: 'line-down',
    says: 'one gateway can’t be reached by the other',
    area: 'line',
    async strike(world, ms, chance) {
      const { front } = chance.pick(world.sites);
      front.down(true);
      await sleep(ms);
      front.down(false);
    },
  },
];
