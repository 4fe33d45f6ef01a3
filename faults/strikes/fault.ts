/** What every fault is. */
import type { Chance } from '#faults/chance.ts';
import type { Area } from '#faults/shapes.ts';
import type { Site, WorkerSeat } from '#faults/site.ts';
import type { World } from '#faults/world.ts';

export type Fault = {
  readonly name: string;
  /** For the table, for people to read. */
  readonly says: string;
  /** Two faults of one area never strike at the same time. */
  readonly area: Area;
  /**
   * Strikes for about `ms` milliseconds, then heals, whatever happens. Starts a program that was ended again, without
   * waiting for it. Throws only if the bench itself has failed.
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
