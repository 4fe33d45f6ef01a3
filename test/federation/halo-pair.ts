/** Acme and Northwind as Halo twins, linked as in the demo, and what tests do with them again and again. */
import assert from 'node:assert/strict';
import { acmeNames, acmeSeed } from '#twins/halo/seeds/acme.ts';
import { northwindNames, northwindSeed } from '#twins/halo/seeds/northwind.ts';
import type { AttachmentSeen, TicketSeen } from '#twins/halo/client.ts';
import type { Input } from '#twins/halo/input.ts';
import { guidIn } from '#twins/halo/pictures.ts';
import type { ProfileName } from '#twins/halo/profiles.ts';
import type { AnyDesk, DeskRig } from './desk-rig.ts';
import { exampleLinks, type LinksFile } from './example-links.ts';
import type { HaloDesk, HaloDeskOptions } from './halo-desk.ts';

export { acmeNames, northwindNames };

export type Pair = {
  readonly acme: HaloDesk;
  readonly north: HaloDesk;
  readonly desks: readonly [HaloDesk, HaloDesk];
  /** Applies the links file again, with variables of it replaced. */
  apply(over?: Readonly<Record<string, string>>, options?: { readonly unchecked?: boolean }): Promise<void>;
  /** With a further change of the file. */
  change(change: NonNullable<PairOptions['change']>): Promise<void>;
  /** Priya logs a ticket and Dana escalates it; waits until it is open at Northwind. */
  escalated(ticket?: Input, escalation?: Input): Promise<Mirrored>;
  /** Priya logs a ticket. */
  logged(ticket?: Input): Promise<number>;
  escalate(ticket: number, more?: Input): Promise<void>;
  dana(ticket: number, outcome: string, note: string, more?: Input): Promise<number>;
  lena(ticket: number, outcome: string, note: string, more?: Input): Promise<number>;
};

export type Mirrored = { readonly ticket: number; readonly far: number };

/** Where the filter for open statuses has no effect, names tell which statuses are closed. */
const closedStatuses = [...acmeSeed.statuses, ...northwindSeed.statuses]
  .filter(({ closed }) => closed)
  .map(({ name }) => name);

/** The options of an instance whose desk answers like that. */
export function optionsFor(profile: ProfileName): { readonly closedStatuses?: readonly string[] } {
  return profile === 'other' ? { closedStatuses } : {};
}

/** The file that a note of this desk shows as a picture: the first one in its HTML. */
export function pictureIn(html: string, { attachments }: TicketSeen): AttachmentSeen | undefined {
  const token = /<img[^>]*\ssrc="[^"]*\/api\/attachment\/image\?token=([^"]+)"/.exec(html)?.[1];
  return token === undefined ? undefined : attachments.find(({ guid }) => guid === guidIn(token));
}

export type PairOptions = {
  /** How both twins answer where live Halos differ. */
  readonly profile?: ProfileName;
  /** A prefix of the ids, so that several pairs fit in one rig. */
  readonly prefix?: string;
  readonly acme?: Partial<HaloDeskOptions>;
  readonly north?: Partial<HaloDeskOptions>;
  /** Of the two instances. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Done when the twins run and nobody knows of them yet. */
  before?(pair: Pick<Pair, 'acme' | 'north' | 'dana' | 'lena' | 'logged'>): Promise<void>;
  change?(file: LinksFile, link: LinksFile['links'][string]): void;
};

export async function startPair(rig: DeskRig, options: PairOptions = {}): Promise<Pair> {
  const { prefix = '', profile = 'usual' } = options;
  const acme = await rig.halo(`${prefix}acme`, { seed: acmeSeed, profile, ...options.acme });
  const north = await rig.halo(`${prefix}northwind`, { seed: northwindSeed, profile, ...options.north });
  const people = peopleOf(acme, north);
  const { dana, lena, logged } = people;
  await options.before?.({ acme, north, dana, lena, logged });
  const yaml = (change: PairOptions['change']): Promise<string> =>
    exampleLinks({
      customer: acme.id,
      supplier: north.id,
      options: { ...optionsFor(profile), ...options.options },
      change(file, link) {
        options.change?.(file, link);
        change?.(file, link);
      },
    });
  await rig.apply(await yaml(undefined));
  return {
    ...people,
    acme,
    north,
    desks: [acme, north],
    apply: async (over = {}, options = {}) => rig.apply(await yaml(undefined), { over, ...options }),
    change: async (change) => rig.apply(await yaml(change)),
  };
}

export type PairPeople = Pick<Pair, 'escalated' | 'logged' | 'escalate' | 'dana' | 'lena'>;

/** What people do on the two desks. */
export function peopleOf(acme: HaloDesk, north: HaloDesk): PairPeople {
  const act =
    (desk: HaloDesk, agent: string) =>
    async (ticket: number, outcome: string, note: string, more: Input = {}) =>
      (await desk.people.agentAction(agent, ticket, { outcome, note_html: note, ...more })).id;
  const dana = act(acme, acmeNames.agents.dana);
  const logged = async (ticket: Input = {}): Promise<number> => {
    const made = { summary: 'VPN drops', details_html: '<p>It drops every hour.</p>', type: 'Incident', ...ticket };
    return (await acme.people.userTicket(acmeNames.users.priya, made)).id;
  };
  const escalate = async (ticket: number, more: Input = {}): Promise<void> => {
    await dana(ticket, acmeNames.outcomes.escalate, '<p>Please help.</p>', { supplier: acmeNames.supplier, ...more });
  };
  return {
    dana,
    lena: act(north, northwindNames.agents.lena),
    logged,
    escalate,
    async escalated(ticket, escalation) {
      const id = await logged(ticket);
      await escalate(id, escalation);
      return { ticket: id, far: await farOf(acme, id) };
    },
  };
}

/** The ticket's number at the supplier, once Acme knows it. */
export function farOf(acme: HaloDesk, ticket: number, timeoutMs?: number): Promise<number> {
  return acme.shows(
    ticket,
    'the supplier reference',
    (seen) => Number(seen.supplier_reference) || undefined,
    timeoutMs,
  );
}

/** Rows of the example that let an action reach the end user. */
export function mayWiden(kind: string | null): boolean {
  return kind === northwindNames.outcomes.indirectEmail || kind === northwindNames.outcomes.resolve;
}

/** Everything that a desk answers to anybody who may ask: its API, and what a person sees on its pages. */
export async function everythingAt(desk: HaloDesk): Promise<string> {
  const token = await signIn(desk);
  const get = async (path: string): Promise<string> => {
    const reply = await fetch(desk.url + path, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(reply.status, 200, path);
    return reply.text();
  };
  const paths = ['Client', 'Site', 'Users?count=1000', 'Supplier', 'Agent', 'Tickets?count=1000', 'WebhookEvent'];
  const texts = await Promise.all(paths.map((path) => get(`/api/${path}`)));
  for (const { id } of await desk.people.tickets()) {
    const all = 'excludesys=false&includehtmlnote=true&includehtmlemail=true&includeattachments=true&count=1000';
    texts.push(await get(`/api/Tickets/${id}?includedetails=true`), await get(`/api/Actions?ticket_id=${id}&${all}`));
    texts.push(await get(`/api/Attachment?ticket_id=${id}`), JSON.stringify(await desk.people.ticket(id)));
  }
  texts.push(JSON.stringify(await desk.people.outbox()));
  return texts.join('\n');
}

async function signIn({ url, secrets }: HaloDesk): Promise<string> {
  const form = {
    grant_type: 'client_credentials',
    client_id: secrets['CLIENT_ID'] ?? '',
    client_secret: secrets['CLIENT_SECRET'] ?? '',
  };
  const reply = await fetch(`${url}/auth/token`, {
    method: 'POST',
    body: new URLSearchParams({ ...form, scope: 'all' }),
  });
  return ((await reply.json()) as { access_token: string }).access_token;
}

export type { AnyDesk };
