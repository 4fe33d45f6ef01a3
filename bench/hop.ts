/** The cost of the second hop: gateway to gateway, compared with a hub whose one gateway serves both desks. */
import { carryOneByOne, took } from './latency.ts';
import { carryLoad } from './load.ts';
import { inFlight, warmUpNotes, warmUpSeconds } from './ferry.ts';
import { percentiles, type Percentiles } from './numbers.ts';
import type { Services } from './services.ts';
import { startSites } from './sites.ts';

export type Hop = { readonly perSecond: number; readonly awake: Percentiles };

const openMirrors = 1_000;

export async function measureHop(services: Services, seconds: number, samples: number): Promise<Hop> {
  const sites = await startSites(services, openMirrors);
  try {
    await carryOneByOne({ ...sites, samples: warmUpNotes, label: 'First' });
    const awake = await carryOneByOne({ ...sites, samples, label: 'Awake' });
    const load = await carryLoad({ ...sites, inFlight, warmUp: warmUpSeconds, seconds });
    return { perSecond: load.perSecond, awake: percentiles(took(awake)) };
  } finally {
    await sites.stop();
  }
}
