/** Faults at workers: killed, frozen, stopped, with a wrong clock, with no room for files. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { storeBytes } from '#faults/small-store.ts';
import { allSeats, anySeat, type Fault } from './fault.ts';

/** Longer than a lease, so that another worker has to take over. In milliseconds. */
const longFreezeMs = 9_000;
const stopWithinMs = 25_000;

export const workerFaults: readonly Fault[] = [
  {
    name: 'kill-worker',
    says: 'a worker is killed (SIGKILL)',
    area: 'worker',
    async strike(world, ms, chance) {
      const { seat } = anySeat(world, chance);
      await seat.program()?.kill9();
      await sleep(ms * chance.next());
      await seat.start();
    },
  },
  {
    name: 'kill-all-workers',
    says: 'all workers are killed',
    area: 'worker',
    async strike(world, ms, chance) {
      const seats = allSeats(world);
      await Promise.all(seats.map(async ({ seat }) => seat.program()?.kill9()));
      await sleep(ms * chance.next());
      await Promise.all(seats.map(({ seat }) => seat.start()));
    },
  },
  {
    name: 'freeze-worker',
    says: 'a worker is frozen for longer than a lease',
    area: 'worker',
    async strike(world, ms, chance) {
      const program = anySeat(world, chance).seat.program();
      program?.freeze();
      await sleep(longFreezeMs + ms);
      program?.thaw();
    },
  },
  {
    name: 'freeze-briefly',
    says: 'workers are frozen for moments',
    area: 'worker',
    async strike(world, ms, chance) {
      const endMs = Date.now() + ms;
      while (Date.now() < endMs) {
        const program = anySeat(world, chance).seat.program();
        program?.freeze();
        await sleep(chance.between(100, 2_500));
        program?.thaw();
        await sleep(chance.between(50, 400));
      }
    },
  },
  {
    name: 'stop-worker',
    says: 'a worker is stopped in order',
    area: 'worker',
    async strike(world, ms, chance) {
      const { seat } = anySeat(world, chance);
      await seat.program()?.stop(stopWithinMs);
      await sleep(ms * chance.next() * 0.5);
      await seat.start();
    },
  },
  {
    name: 'step-clock',
    says: 'the clock of all workers is set forth or back by minutes',
    area: 'clock',
    async strike(world, ms, chance) {
      const site = chance.pick(world.sites);
      try {
        for (const steps of [1, 2]) {
          await site.setClock(Math.round(chance.between(-300_000, 300_000)));
          await sleep(ms / 2 / steps);
        }
      } finally {
        await site.setClock(0);
      }
    },
  },
  {
    name: 'full-store',
    says: 'the store of files is full',
    area: 'files',
    async strike(world, ms, chance) {
      const site = chance.pick(world.sites);
      const filler = join(site.blobs, 'filler');
      // The write fails for lack of room, which is what is wanted.
      if (site.smallStore) await writeFile(filler, Buffer.alloc(storeBytes)).catch(() => {});
      await sleep(ms);
      await rm(filler, { force: true });
    },
  },
];
