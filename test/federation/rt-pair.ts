/** Acme and Northwind as two real RTs, linked as in the example, each with its own words and clocks. */
import { readFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { defaultFields, type SeedField } from '#test/real/rt-plan.ts';
import type { RtMail, RtMailIn } from '#test/real/rt.ts';
import { checkout } from '#test/support/process.ts';
import { until } from '#test/support/wait.ts';
import type { DeskRig } from './desk-rig.ts';
import type { LinksFile } from './example-links.ts';
import { startRtDesk, type RtDesk } from './rt-desk.ts';
import type { RtSeen } from './rt-seen.ts';

export type RtPair = {
  readonly acme: RtDesk;
  readonly north: RtDesk;
  /** Applies the example, changed. */
  link(change?: (link: LinksFile['links'][string], file: LinksFile) => void): Promise<void>;
  /** The agent logs a ticket and names the supplier; waits until Acme knows the number of Northwind's. */
  escalated(ticket?: Readonly<Record<string, unknown>>): Promise<Mirrored>;
  /** Waits until Ferry has asked neither RT anything for a second. */
  quiet(): Promise<unknown>;
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
    quiet() {
      const asked = (): number => acme.proxy.seen.length + north.proxy.seen.length;
      let last = { count: asked(), at: Date.now() };
      const isQuiet = (): boolean => {
        if (asked() !== last.count) last = { count: asked(), at: Date.now() };
        return Date.now() - last.at > 1_000;
      };
      return until(isQuiet, { what: 'the desks to be left alone', timeoutMs: 60_000 });
    },
    async escalated(ticket = {}) {
      const { CustomFields = {}, ...more } = ticket as { readonly CustomFields?: object };
      const id = await acme.logged({ ...more, CustomFields: { Supplier: 'Northwind MSP', ...CustomFields } });
      return { ticket: id, far: await farOf(id) };
    },
  };
}

/** Notes that Ferry wrote, without their first line, in the ticket's order. */
export function carriedTexts({ done }: RtSeen): readonly string[] {
  return done
    .filter(({ type, by }) => by === 'gateway' && (type === 'Correspond' || type === 'Comment'))
    .map(({ text }) => /<p>(from [^<]*)<\/p>/.exec(text)?.[1] ?? text);
}

/** The mails that RT sent because of what this person did. */
export function mailsOf(outbox: readonly RtMail[], address: string): readonly RtMail[] {
  return outbox.filter((mail) => mail.header('X-RT-Originator') === address);
}

/** A mail of the desk's agent with a picture in its text, as only mails can have it. */
export function withPicture({ agent, rt }: RtDesk, ticket: string, text: string, picture: Buffer): RtMailIn {
  const parts = [
    `Content-Type: text/html; charset=utf-8\n\n<p>${text}: <img src="cid:seen@mail"></p>\n`,
    'Content-Type: image/png; name="seen.png"\nContent-ID: <seen@mail>\nContent-Disposition: inline; filename="seen.png"\n' +
      `Content-Transfer-Encoding: base64\n\n${picture.toString('base64')}\n`,
  ];
  return {
    from: agent.email,
    subject: `Re: [${rt.name} #${ticket}] a picture`,
    queue: 'Support',
    text: `MIME-Version: 1.0\nContent-Type: multipart/related; boundary=B\n\n${parts.map((part) => `--B\n${part}`).join('')}--B--\n`,
  };
}
