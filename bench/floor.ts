/** (c) The floor: the same desks, load, requests and commits, with only straight-line code between them. */
import { randomUUID } from 'node:crypto';
import { connect } from '#db/base/client.ts';
import { startChild } from './child.ts';
import { cpuMs } from './cpu.ts';
import { desk } from './federation.ts';
import { inFlight, openMirrors } from './ferry.ts';
import { carryOneByOne, took } from './latency.ts';
import { carryLoad } from './load.ts';
import { percentiles, type Percentiles } from './numbers.ts';
import { seedInstances, seedLinks, seedMirrors } from './seed.ts';
import type { Services } from './services.ts';

export type FloorLoad = { readonly perSecond: number; readonly cpuMsPerAction: number };

export type Floor = {
  load(options: { readonly seconds: number; readonly warmUp: number }): Promise<FloorLoad>;
  oneByOne(samples: number): Promise<Percentiles>;
  stop(): Promise<void>;
};

/** Starts the floor. `label`: letters and digits; part of the database's name. */
export async function startFloor(services: Services, label: string): Promise<Floor> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.toReversed()) await one();
  };
  try {
    const near = await desk('acme', stops);
    const far = await desk('north', stops);
    const url = await services.database(`bench_${label}`);
    const connection = connect(url, { max: 2, name: 'bench' });
    stops.push(() => connection.close());
    const [tickets, farTickets] = [await near.client.open(openMirrors), await far.client.open(openMirrors)];
    await seedInstances(connection.db, new Uint8Array(32), [
      { id: 'acme', url: near.client.url, options: {}, feed: null },
      { id: 'north', url: far.client.url, options: {}, feed: null },
    ]);
    await seedLinks(connection.db, [{ id: 'acme-north', customer: 'acme', supplier: 'north' }]);
    const lanes = tickets.map((ticket, n) => ({ near: ticket, far: farTickets[n] ?? '' }));
    await seedMirrors(
      connection.db,
      lanes.map((lane) => ({ ...lane, mirror: randomUUID(), link: 'acme-north', customer: 'acme', supplier: 'north' })),
    );
    await connection.sql`analyze`;
    const floor = await startChild({
      program: 'bench/programs/floor.ts',
      args: [url, near.client.url, far.client.url],
    });
    stops.push(() => floor.stop());
    await near.client.hook(String(floor.ready['url']));
    const ends = { near: near.client, far: far.client, lanes };
    const whole = (): void => {
      if (floor.said() !== '') throw new Error(`the floor failed: ${floor.said()}`);
    };
    return {
      stop,
      async load(options) {
        const marks: number[] = [];
        const mark = async (): Promise<void> => void marks.push(await cpuMs(floor.pid));
        const { perSecond, arrived } = await carryLoad({ ...ends, inFlight, ...options, mark });
        whole();
        return { perSecond, cpuMsPerAction: ((marks[1] ?? 0) - (marks[0] ?? 0)) / Math.max(arrived, 1) };
      },
      async oneByOne(samples) {
        const found = await carryOneByOne({ ...ends, samples, label: 'Floor' });
        whole();
        return percentiles(took(found));
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
