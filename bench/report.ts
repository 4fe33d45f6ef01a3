/** The result of a run, as one object with stable keys, and as text for people. */
import { arch, cpus, platform, totalmem } from 'node:os';
import type { Cold } from './cold.ts';
import type { Latency } from './ferry.ts';
import type { FloodFelt } from './flood.ts';
import type { Footprint, Sizes } from './footprint.ts';
import type { Sealed } from './sealed.ts';
import type { Growth } from './growth.ts';
import type { Hop } from './hop.ts';
import { rounded, type Percentiles } from './numbers.ts';
import type { Options } from './options.ts';
import type { Throughput } from './throughput.ts';

export type Measured = {
  readonly throughput?: Throughput;
  readonly latency?: Latency;
  readonly hop?: Hop;
  readonly history?: Growth;
  readonly customers?: Growth;
  readonly cold?: Cold;
  readonly flood?: FloodFelt;
  readonly sealed?: Sealed;
  readonly footprint?: Footprint;
};

type Target = { readonly value: number; readonly target: string; readonly met: boolean };

export type Report = {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly seconds: number;
  /** Actions per second; `fromLog`: for actions that were in the log beforehand. */
  readonly throughput: Partial<Record<'bare' | 'ferry' | 'floor' | 'fromLog' | 'gatewayToGateway', number>>;
  readonly awakeMs: Partial<Record<'bare' | 'ferry' | 'floor' | 'fromLog' | 'gatewayToGateway', Percentiles>>;
  readonly asleepMs: Partial<Record<'bare' | 'ferry' | 'fromLog', Percentiles>>;
  /** The gateway and the worker together. */
  readonly cpuMsPerAction?: number;
  readonly cpuMs: Readonly<Record<string, number>>;
  /** Time per action in the large federation divided by that in the small one. */
  readonly growth: Partial<Record<'customers' | 'history', number>>;
  readonly growthOf: Readonly<Record<string, object>>;
  readonly coldCustomers?: Cold;
  /** What a client's neighbour experiences while that client floods. */
  readonly flood?: FloodFelt;
  /** Encrypted contents compared with plain contents. */
  readonly sealed?: Sealed;
  /** Memory and disk of a small installation. */
  readonly footprint?: Footprint;
  readonly targets: Readonly<Record<string, Target>>;
};

export function report(measured: Measured, options: Options, seconds: number): Report {
  const { latency, hop, history, customers, cold, flood, sealed, footprint } = measured;
  const { bare, floor, ferry } = measured.throughput ?? {};
  const cpu = ferry?.cpu;
  return {
    machine: {
      cpus: cpus().length,
      cpu: cpus()[0]?.model ?? 'unknown',
      memoryGb: Math.round(totalmem() / 2 ** 30),
      system: `${platform()} ${arch()}`,
      node: process.version,
    },
    seconds: Math.round(seconds),
    throughput: {
      ...(bare && { bare: rounded(bare.perSecond) }),
      ...(ferry && { ferry: rounded(ferry.perSecond) }),
      ...(floor && { floor: rounded(floor.perSecond) }),
      ...(ferry && { fromLog: rounded(ferry.fromLog) }),
      ...(hop && { gatewayToGateway: rounded(hop.perSecond) }),
    },
    awakeMs: {
      ...(bare && { bare: bare.ms }),
      ...(latency && { ferry: latency.awake }),
      ...(floor && { floor: floor.ms }),
      ...(latency && { fromLog: latency.fromLog.awake }),
      ...(hop && { gatewayToGateway: hop.awake }),
    },
    // A bare workflow has nothing that could be asleep, so it always costs the same.
    asleepMs: {
      ...(bare && { bare: bare.ms }),
      ...(latency && { ferry: latency.asleep, fromLog: latency.fromLog.asleep }),
    },
    ...(cpu && { cpuMsPerAction: rounded(cpu.worker + cpu.gateway) }),
    cpuMs: {
      ...(cpu && Object.fromEntries(Object.entries(cpu).map(([name, ms]) => [name, rounded(ms)]))),
      ...(floor && { floor: rounded(floor.cpuMsPerAction) }),
    },
    growth: {
      ...(customers && { customers: rounded(customers.ratio) }),
      ...(history && { history: rounded(history.ratio) }),
    },
    growthOf: {
      ...(customers && {
        customers: { from: Math.min(10, options.customers), to: options.customers, ...detail(customers) },
      }),
      ...(history && { history: { from: 0, to: options.pastActions, ...detail(history) } }),
    },
    ...(cold && { coldCustomers: { ...cold, perSecond: rounded(cold.perSecond) } }),
    ...(flood && { flood }),
    ...(sealed && { sealed }),
    ...(footprint && { footprint }),
    targets: targetsOf(measured),
  };
}

function detail({ small, large }: Growth): object {
  const cost = ({ msPerAction, cpu }: Growth['small']): object => ({
    msPerAction: rounded(msPerAction),
    cpuMs: rounded(cpu.worker + cpu.gateway + cpu.postgres),
  });
  return { small: cost(small), large: cost(large) };
}

function targetsOf({ throughput, latency, history, customers, flood }: Measured): Record<string, Target> {
  const { bare, ferry } = throughput ?? {};
  const targets: Record<string, Target> = {};
  const atLeast = (name: string, value: number, least: number): void => {
    targets[name] = { value: rounded(value), target: `>= ${least}`, met: value >= least };
  };
  const atMost = (name: string, value: number, most: number): void => {
    targets[name] = { value: rounded(value), target: `<= ${most}`, met: value <= most };
  };
  if (ferry?.over.bare !== undefined) atLeast('throughput over bare', ferry.over.bare, 10);
  if (ferry?.over.floor !== undefined) atLeast('throughput over floor', ferry.over.floor, 0.5);
  if (latency && bare) atMost('awake p95 over bare p50', latency.awake.p95 / bare.ms.p50, 0.25);
  if (customers) atMost('growth by customers', customers.ratio, 1.2);
  if (history) atMost('growth by history', history.ratio, 1.2);
  if (flood) atMost("neighbour's p95 in a flood over at rest", flood.ratio, 2);
  return targets;
}

export function printed(result: Report): string {
  const lines: string[] = [];
  const line = (name: string, value: string): void => void lines.push(`  ${name.padEnd(28)}${value}`);
  const ms = (values: Percentiles): string => `p50 ${values.p50}  p95 ${values.p95}  p99 ${values.p99}`;
  lines.push(
    `Ferry's benchmark, ${result.seconds} s, ${Object.values(result.machine).join(', ')}`,
    '',
    'actions per second',
  );
  for (const [name, value] of Object.entries(result.throughput)) line(name, String(value));
  lines.push('', 'milliseconds, one at a time, awake');
  for (const [name, value] of Object.entries(result.awakeMs)) line(name, ms(value));
  lines.push('', 'milliseconds, one at a time, asleep');
  for (const [name, value] of Object.entries(result.asleepMs)) line(name, ms(value));
  lines.push('', 'CPU milliseconds per action');
  for (const [name, value] of Object.entries(result.cpuMs)) line(name, String(value));
  lines.push('', 'growth of the time per action');
  for (const [name, value] of Object.entries(result.growth))
    line(name, `${value}  ${JSON.stringify(result.growthOf[name])}`);
  const cold = result.coldCustomers;
  if (cold) line(`to ${cold.customers} cold customers`, `${cold.perSecond}/s, ${cold.reached} reached, ${ms(cold.ms)}`);
  const { flood } = result;
  if (flood) {
    lines.push('', 'milliseconds of a neighbour while a client floods');
    line('at rest', ms(flood.rest));
    line('in the flood', `${ms(flood.flooded)}, ${flood.failed} failed`);
    line('the flooder got', JSON.stringify(flood.flooder));
  }
  const { sealed } = result;
  if (sealed) {
    lines.push('', 'contents sealed at rest, over contents as they are');
    line('actions per second', `${sealed.throughput}  ${JSON.stringify(sealed.rounds)}`);
    line('CPU per action', String(sealed.cpu));
  }
  const { footprint } = result;
  if (footprint) {
    const sizes = (of: Sizes): void => Object.entries(of).forEach(([name, size]) => line(name, `${size} MiB`));
    lines.push('', 'memory of ferry start with its demo, at rest');
    sizes(footprint.atRest.memoryMib);
    lines.push('', 'its data on the disk');
    sizes(footprint.atRest.diskMib);
    lines.push('', `memory at ${footprint.atWork.perSecond} actions per second`);
    sizes(footprint.atWork.memoryMib);
    lines.push('', 'growth of the database');
    line('for each action carried', `${footprint.kibPerAction} KiB`);
  }
  lines.push('', 'targets');
  for (const [name, { value, target, met }] of Object.entries(result.targets)) {
    line(name, `${value} (${target})${met ? '' : '  MISSED'}`);
  }
  return `${lines.join('\n')}\n`;
}
