/** The cost of encrypting contents at rest: Ferry with a content key compared with Ferry without one, in turns. */
import { randomBytes } from 'node:crypto';
import { startFederation } from './federation.ts';
import { openMirrors, underLoad, type Load } from './ferry.ts';
import { median, rounded } from './numbers.ts';
import type { Services } from './services.ts';

export type Sealed = {
  /**
   * Actions per second with a key divided by those without one: the median of all rounds. Both halves of a round run in
   * the same minutes.
   */
  readonly throughput: number;
  /** CPU time per action of everything but the desks, with a key divided by that without one, as above. */
  readonly cpu: number;
  /** Actions per second of each round, with a key and without one. */
  readonly rounds: readonly (readonly [number, number])[];
};

const rounds = 3;

/**
 * Measures Ferry with a content key and without one.
 * @param seconds of each measurement
 */
export async function measureSealed(
  services: Services,
  seconds: number,
  progress: (line: string) => void,
): Promise<Sealed> {
  const found: { readonly sealed: Load; readonly open: Load }[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const open = await loadOf(services, seconds, `open${round}`);
    const sealed = await loadOf(services, seconds, `sealed${round}`, randomBytes(32));
    found.push({ open, sealed });
    progress(`  ${sealed.perSecond.toFixed(0)}/s sealed, ${open.perSecond.toFixed(0)}/s as they are`);
  }
  return {
    throughput: rounded(median(found.map(({ sealed, open }) => sealed.perSecond / open.perSecond))),
    cpu: rounded(median(found.map(({ sealed, open }) => cpuOf(sealed) / cpuOf(open)))),
    rounds: found.map(({ sealed, open }) => [rounded(sealed.perSecond), rounded(open.perSecond)] as const),
  };
}

async function loadOf(services: Services, seconds: number, label: string, contentKey?: Buffer): Promise<Load> {
  const ferry = await startFederation({ services, customers: 1, mirrors: openMirrors, label, contentKey });
  try {
    return await underLoad(ferry, seconds);
  } finally {
    await ferry.stop();
  }
}

function cpuOf({ cpu: { worker, gateway, postgres, temporal } }: Load): number {
  return worker + gateway + postgres + temporal;
}
