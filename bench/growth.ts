/**
 * The cost of an action in a small federation and in a large one. The two take turns, so that a busy minute affects
 * both.
 */
import { middleCpu, startFederation, type Cpu, type FederationOptions } from './federation.ts';
import { openMirrors, underLoad } from './ferry.ts';
import { median } from './numbers.ts';
import type { Services } from './services.ts';

type Cost = { readonly msPerAction: number; readonly cpu: Cpu };

export type Growth = {
  /**
   * Time per action in the large one divided by the time in the small one a moment earlier: the median of all rounds.
   */
  readonly ratio: number;
  readonly small: Cost;
  readonly large: Cost;
};

const rounds = 5;
/** Length of a round, as a fraction of one throughput measurement. */
const roundShare = 0.4;

export async function growthByHistory(
  services: Services,
  pastActions: number,
  seconds: number,
  progress: (line: string) => void,
): Promise<Growth> {
  const base = { services, customers: 1, mirrors: openMirrors };
  return compare({ ...base, label: 'young' }, { ...base, label: 'old', pastActions }, { seconds, warmUp: 4, progress });
}

export async function growthByCustomers(
  services: Services,
  customers: number,
  seconds: number,
  progress: (line: string) => void,
): Promise<Growth> {
  const few = Math.min(10, customers);
  const mirrors = Math.max(customers, openMirrors);
  return compare(
    { services, label: 'few', customers: few, mirrors },
    { services, label: 'many', customers, mirrors },
    // Each round starts with the same customers: the warm-up round meets them first, and the rounds that count meet
    // them again.
    { seconds, warmUp: 4, progress },
  );
}

type How = {
  readonly seconds: number;
  readonly warmUp: number;
  readonly progress: (line: string) => void;
};

async function compare(small: FederationOptions, large: FederationOptions, how: How): Promise<Growth> {
  const costs = { small: [] as Cost[], large: [] as Cost[] };
  const stops: (() => Promise<void>)[] = [];
  try {
    const federations = {
      small: await startFederation(small),
      large: null as unknown as Awaited<ReturnType<typeof startFederation>>,
    };
    stops.push(() => federations.small.stop());
    how.progress(`  making the large one (${large.label})`);
    federations.large = await startFederation(large);
    stops.push(() => federations.large.stop());
    for (let round = 0; round <= rounds; round += 1) {
      for (const which of ['small', 'large'] as const) {
        // The first round warms up and is not counted.
        const seconds = Math.max(how.seconds * roundShare, 1);
        const { perSecond, cpu } = await underLoad(federations[which], seconds, round === 0 ? how.warmUp : 1);
        how.progress(`  ${which}: ${perSecond.toFixed(0)}/s`);
        if (round > 0) costs[which].push({ msPerAction: 1000 / perSecond, cpu });
      }
    }
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
  const [a, b] = [middle(costs.small), middle(costs.large)];
  const ratios = costs.large.map((large, n) => large.msPerAction / (costs.small[n]?.msPerAction ?? Number.NaN));
  return { ratio: median(ratios), small: a, large: b };
}

function middle(costs: readonly Cost[]): Cost {
  return {
    msPerAction: median(costs.map((cost) => cost.msPerAction)),
    cpu: middleCpu(costs.map((cost) => cost.cpu)),
  };
}
