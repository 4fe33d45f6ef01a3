/** (c) The floor: the same desks, load, requests and commits, and only straight-line code between. */
import { randomUUID } from 'node:crypto';
import { connect } from '#db/client.ts';
import { startChild } from './child.ts';
import { cpuMs } from './cpu.ts';
import { desk } from './federation.ts';
import { inFlight, openMirrors, warmUpSeconds } from './ferry.ts';
import { carryOneByOne, took } from './latency.ts';
import { carryLoad } from './load.ts';
import { percentiles, type Percentiles } from './numbers.ts';
import { seedInstances, seedLinks, seedMirrors } from './seed.ts';
import type { Services } from './services.ts';

export type Floor = { readonly perSecond: number; readonly ms: Percentiles; readonly cpuMsPerAction: number };

export async function measureFloor(services: Services, seconds: number, samples: number): Promise<Floor> {
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const near = await desk('acme', stops);
    const far = await desk('north', stops);
    const url = await services.database('bench_floor');
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

    const marks: number[] = [];
    const mark = async (): Promise<void> => void marks.push(await cpuMs(floor.pid));
    const ends = { near: near.client, far: far.client, lanes };
    const load = await carryLoad({ ...ends, inFlight, warmUp: warmUpSeconds, seconds, mark });
    const one = await carryOneByOne({ ...ends, samples, label: 'Floor' });
    if (floor.said() !== '') throw new Error(`the floor failed: ${floor.said()}`);
    return {
      perSecond: load.perSecond,
      ms: percentiles(took(one)),
      cpuMsPerAction: ((marks[1] ?? 0) - (marks[0] ?? 0)) / Math.max(load.arrived, 1),
    };
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}
