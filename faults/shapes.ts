/** The shapes of runs: which desks, how they keep time and records, who is linked with whom, how many workers. */
import type { DeskTraits } from './desk/serve.ts';

export type Area =
  | 'worker'
  | 'postgres'
  | 'temporal'
  | 'gateway'
  | 'webhooks'
  | 'desk'
  | 'names'
  | 'clock'
  | 'files'
  | 'line'
  | 'restore';

export type DeskShape = {
  readonly id: string;
  readonly traits?: Partial<DeskTraits>;
  /** In milliseconds. */
  readonly clock?: { readonly skewMs?: number; readonly lagMs?: number };
};

export type LinkShape = {
  readonly customer: string;
  readonly supplier: string;
  /** The supplier has no word for `working`, and calls it `open`. */
  readonly lossy?: boolean;
};

export type Shape = {
  readonly name: string;
  /** Completes "desks …" in the table. */
  readonly says: string;
  readonly desks: readonly DeskShape[];
  readonly links: readonly LinkShape[];
  /** True if each desk has its own gateway. */
  readonly apart?: boolean;
  /** The number of workers of each gateway. */
  readonly workers: number;
  readonly areas: readonly Area[];
};

const all: readonly Area[] = [
  ...(['worker', 'postgres', 'temporal', 'gateway', 'webhooks', 'desk', 'names', 'clock', 'files'] as const),
];

function two(traits: Partial<DeskTraits> = {}, lagMs = 0): readonly DeskShape[] {
  return ['acme', 'north'].map((id) => ({ id, traits, clock: { lagMs } }));
}

const acmeNorth: readonly LinkShape[] = [{ customer: 'acme', supplier: 'north' }];
const customers = ['acme', 'bolt', 'cork', 'dove', 'echo', 'finn'];

export const shapes: readonly Shape[] = [
  { name: 'plain', says: 'with nothing special', desks: two(), links: acmeNorth, workers: 2, areas: all },
  {
    name: 'late',
    says: 'whose replica is up to a second late',
    desks: two({}, 1_000),
    links: acmeNorth,
    workers: 2,
    areas: all,
  },
  {
    name: 'hub',
    says: 'of one supplier and six customers',
    desks: ['north', ...customers].map((id) => ({ id })),
    links: customers.map((customer) => ({ customer, supplier: 'north' })),
    workers: 3,
    areas: all,
  },
  {
    name: 'split',
    says: 'that record a note’s status as an action of its own',
    desks: two({ splitMs: 120 }),
    links: acmeNorth,
    workers: 2,
    areas: all,
  },
  {
    name: 'gateways',
    says: 'of two organisations with a gateway each',
    desks: two(),
    links: acmeNorth,
    apart: true,
    workers: 1,
    areas: [...all, 'line'],
  },
  {
    name: 'markerless',
    says: 'that keep no markers and name no ids',
    desks: two({ keepsMarkers: false, namesIds: false }),
    links: acmeNorth,
    workers: 2,
    areas: all,
  },
  {
    name: 'ring',
    says: 'of three that are each other’s customer and supplier',
    desks: ['acme', 'bolt', 'cork'].map((id) => ({ id })),
    links: [
      { customer: 'acme', supplier: 'bolt' },
      { customer: 'bolt', supplier: 'cork' },
      { customer: 'cork', supplier: 'acme' },
    ],
    workers: 2,
    areas: all,
  },
  {
    name: 'clocks',
    says: 'whose clocks are wrong by minutes',
    desks: [
      { id: 'acme', clock: { skewMs: 240_000 } },
      { id: 'north', clock: { skewMs: -90_000 } },
    ],
    links: acmeNorth,
    workers: 2,
    areas: all,
  },
  {
    name: 'seconds',
    says: 'that keep times in whole seconds',
    desks: two({ wholeSeconds: true }),
    links: acmeNorth,
    workers: 2,
    areas: all,
  },
  {
    name: 'lossy',
    says: 'one of which has fewer statuses',
    desks: two(),
    links: [{ customer: 'acme', supplier: 'north', lossy: true }],
    workers: 2,
    areas: all,
  },
  {
    name: 'restored',
    says: 'of a Ferry whose database is put back to a backup',
    desks: two(),
    links: acmeNorth,
    workers: 2,
    areas: ['restore', 'worker', 'webhooks', 'desk', 'gateway'],
  },
];

/** The order in which seeds use the shapes. Shapes whose faults no other shape can meet come more often. */
export const turns: readonly Shape[] = [
  ...['plain', 'late', 'gateways', 'hub', 'restored'],
  ...['split', 'markerless', 'gateways', 'ring', 'restored'],
  ...['clocks', 'seconds', 'gateways', 'lossy', 'restored'],
].map((name) => must(shapeNamed(name)));

export function shapeNamed(name: string): Shape | undefined {
  return shapes.find((one) => one.name === name);
}

function must<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('unknown shape');
  return found;
}
