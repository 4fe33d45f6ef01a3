/** What every fault is. */
import type { Chance } from '#faults/chance.ts';
import type { Area } from '#faults/shapes.ts';
import type { Site, WorkerSeat } from '#faults/site.ts';
import type { World } from '#faults/world.ts';

export type Fault = {
  readonly name: string;
  /** For the table, in the words of people. */
  readonly says: string;
  /** Two of one area never strike at once. */
  readonly area: Area;
  /**
   * Strikes for about `ms`, then heals, whatever happens. A program that was ended is started again, not waited for.
   * Throws only where the bench itself has failed.
   */
  strike(world: World, ms: number, chance: Chance): Promise<void>;
};

export type Seated = { readonly site: Site; readonly seat: WorkerSeat };

export function anySeat(world: World, chance: Chance): Seated {
  const site = chance.pick(world.sites);
  return { site, seat: chance.pick(site.workers) };
}

export function allSeats(world: World): readonly Seated[] {
  return world.sites.flatMap((site) => site.workers.map((seat) => ({ site, seat })));
}
