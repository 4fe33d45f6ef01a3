/**
 * Throughput of a bare workflow, the floor and Ferry, in turns: the speed of a machine changes from minute to minute,
 * and results are comparable only if they were measured in the same minutes. Each is started again for each round, so
 * that none meets what another has left.
 */
import { startBare } from './bare.ts';
import { middleCpu, startFederation, type Cpu } from './federation.ts';
import { backlog, openMirrors, underLoad, warmUpSeconds, type Load } from './ferry.ts';
import { startFloor, type FloorLoad } from './floor.ts';
import { median, type Percentiles } from './numbers.ts';
import type { Part } from './options.ts';
import type { Services } from './services.ts';

export type Throughput = {
  readonly bare?: { readonly perSecond: number; readonly ms: Percentiles };
  readonly floor?: { readonly perSecond: number; readonly ms: Percentiles; readonly cpuMsPerAction: number };
  readonly ferry?: {
    readonly perSecond: number;
    readonly cpu: Cpu;
    /** Actions that are in the log beforehand. */
    readonly fromLog: number;
    /** Ferry's rate divided by theirs in the same round: the median of all rounds. */
    readonly over: { readonly bare?: number; readonly floor?: number };
  };
};

export type ThroughputOptions = {
  readonly parts: ReadonlySet<Part>;
  readonly seconds: number;
  readonly samples: number;
  readonly profile: string | undefined;
};

const rounds = 3;

export async function measureThroughput(
  services: Services,
  { parts, seconds, samples, profile }: ThroughputOptions,
  progress: (line: string) => void,
): Promise<Throughput> {
  const found = { bare: [] as number[], floor: [] as FloorLoad[], ferry: [] as Load[] };
  const last: { bareMs?: Percentiles; floorMs?: Percentiles; fromLog?: number } = {};
  for (let round = 1; round <= rounds; round += 1) {
    const isLast = round === rounds;
    if (parts.has('bare')) {
      await using(startBare(services, `bare${round}`), async (bare) => {
        found.bare.push(await bare.load({ seconds, warmUp: warmUpSeconds }));
        if (isLast) last.bareMs = await bare.oneByOne(seconds);
      });
    }
    if (parts.has('floor')) {
      await using(startFloor(services, `floor${round}`), async (floor) => {
        found.floor.push(await floor.load({ seconds, warmUp: warmUpSeconds }));
        if (isLast) last.floorMs = await floor.oneByOne(samples);
      });
    }
    if (parts.has('ferry')) {
      const federation = { services, customers: 1, mirrors: openMirrors, label: `ferry${round}`, profile };
      await using(startFederation(federation), async (ferry) => {
        found.ferry.push(await underLoad(ferry, seconds));
        if (isLast) last.fromLog = await backlog(ferry);
      });
    }
    const said = [found.bare.at(-1), found.floor.at(-1)?.perSecond, found.ferry.at(-1)?.perSecond];
    progress(`  ${said.map((one) => (one === undefined ? '-' : `${one.toFixed(0)}/s`)).join('  ')}`);
  }
  const floor = found.floor.map(({ perSecond }) => perSecond);
  const ferry = found.ferry.map(({ perSecond }) => perSecond);
  const { bareMs, floorMs, fromLog } = last;
  return {
    ...(bareMs && { bare: { perSecond: median(found.bare), ms: bareMs } }),
    ...(floorMs && {
      floor: {
        perSecond: median(floor),
        cpuMsPerAction: median(found.floor.map(({ cpuMsPerAction }) => cpuMsPerAction)),
        ms: floorMs,
      },
    }),
    ...(fromLog && {
      ferry: {
        perSecond: median(ferry),
        cpu: middleCpu(found.ferry.map(({ cpu }) => cpu)),
        fromLog,
        over: { ...over('bare', ferry, found.bare), ...over('floor', ferry, floor) },
      },
    }),
  };
}

/** Returns nothing if the other was not measured. */
function over(name: 'bare' | 'floor', each: readonly number[], others: readonly number[]): Record<string, number> {
  return others.length === 0 ? {} : { [name]: median(each.map((one, n) => one / (others[n] ?? Number.NaN))) };
}

async function using<Started extends { stop(): Promise<void> }>(
  starting: Promise<Started>,
  work: (started: Started) => Promise<void>,
): Promise<void> {
  const started = await starting;
  try {
    await work(started);
  } finally {
    await started.stop();
  }
}
