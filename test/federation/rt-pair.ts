/** Acme and Northwind as two real RTs, linked as the example says, each with words and clocks of its own. */
import { readFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { defaultFields, type SeedField } from '#test/real/rt-plan.ts';
import { checkout } from '#test/support/process.ts';
import type { DeskRig } from './desk-rig.ts';
import type { LinksFile } from './example-links.ts';
import { startRtDesk, type RtDesk } from './rt-desk.ts';

export type RtPair = {
  readonly acme: RtDesk;
  readonly north: RtDesk;
  /** Applies the example, changed. */
  link(change?: (link: LinksFile['links'][string], file: LinksFile) => void): Promise<void>;
  /** The agent logs a ticket and names the supplier; waits until Acme knows the number of Northwind's. */
  escalated(ticket?: Readonly<Record<string, unknown>>): Promise<Mirrored>;
  /** Waits until Acme's ticket carries the number of Northwind's, and gives it. */
  farOf(ticket: string): Promise<string>;
};

export type Mirrored = { readonly ticket: string; readonly far: string };

const northFields: readonly SeedField[] = [
  { name: 'Impact', type: 'SelectSingle', options: ['Minor', 'Major'] },
  { name: 'Service', type: 'SelectSingle', options: ['Connectivity', 'Devices', 'Cloud'] },
  { name: 'Client due', type: 'Date' },
  { name: 'Work begins', type: 'DateTime' },
  { name: 'Serial', type: 'FreeformSingle' },
];

/** Quicker than the defaults: RT and Ferry share a clock here. */
const options = { settleMs: 2_000, overlapMs: 5_000, writeTimeoutMs: 20_000 };

export async function startRtPair(rig: DeskRig): Promise<RtPair> {
  const [acme, north] = await Promise.all([
    startRtDesk(rig, 'acme', {
      name: 'acme.example',
      queue: 'Support',
      timezone: 'Europe/Berlin',
      serviceTimezone: 'America/New_York',
      customFields: defaultFields,
    }),
    startRtDesk(rig, 'northwind', {
      name: 'northwind.example',
      queue: 'Acme',
      timezone: 'Asia/Tokyo',
      agents: [
        { name: 'nora', realName: 'Nora Nord' },
        { name: 'nils', realName: 'Nils Nord' },
      ],
      customFields: northFields,
    }),
  ]);
  const text = await readFile(`${checkout}examples/rt-to-rt.yaml`, 'utf8');
  const farOf = (ticket: string): Promise<string> =>
    acme.shows(ticket, "the supplier's number", (seen) => /^#(\d+) /.exec(seen.fields['SupplierRef'] ?? '')?.[1]);
  return {
    acme,
    north,
    async link(change) {
      const file = parse(text) as LinksFile;
      const link = file.links['acme-northwind'];
      if (link === undefined) throw new Error('the example has changed');
      for (const instance of Object.values(file.instances)) {
        instance['options'] = { ...(instance['options'] as object), ...options };
      }
      change?.(link, file);
      await rig.apply(stringify(file));
    },
    farOf,
    async escalated(ticket = {}) {
      const { CustomFields = {}, ...more } = ticket as { readonly CustomFields?: object };
      const id = await acme.logged({ ...more, CustomFields: { Supplier: 'Northwind MSP', ...CustomFields } });
      return { ticket: id, far: await farOf(id) };
    },
  };
}
