/** Everything in a run: the desks, one Ferry or several, and who is linked with whom. */
import { pairSites } from './pairing.ts';
import { startFaultDesk, type FaultDesk } from './desk/serve.ts';
import type { FaultServices } from './services.ts';
import type { LinkShape, Shape } from './shapes.ts';
import { startSite, type Site } from './site.ts';

export type Pair = {
  readonly link: string;
  readonly customer: FaultDesk;
  readonly supplier: FaultDesk;
  readonly lossy: boolean;
};

export type World = {
  readonly services: FaultServices;
  readonly shape: Shape;
  readonly sites: readonly Site[];
  readonly desks: readonly FaultDesk[];
  readonly pairs: readonly Pair[];
  siteOf(desk: string): Site;
  /** How webhooks travel; faults replace it. */
  hook: Hook;
  readonly plainHook: Hook;
  close(): Promise<void>;
};

export type Hook = (desk: string, ticket: string) => void;

export type WorldOptions = {
  readonly services: FaultServices;
  readonly shape: Shape;
  readonly seed: number;
  /** Part of the names of databases and directories: lower-case letters, digits, _ */
  readonly label: string;
};

export async function startWorld({ services, shape, seed, label }: WorldOptions): Promise<World> {
  const stops: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const stop of stops.toReversed()) await stop();
  };
  try {
    const desks: FaultDesk[] = [];
    for (const { id, traits = {}, clock = {} } of shape.desks) {
      const desk = await startFaultDesk({ id, seed, traits, clock });
      stops.push(() => desk.close());
      desks.push(desk);
    }
    const names = shape.apart === true ? desks.map(({ id }) => `${label}_${id}`) : [label];
    const sites: Site[] = [];
    for (const name of names) {
      const site = await startSite(services, name);
      stops.push(() => site.close());
      sites.push(site);
    }
    const siteOf = (desk: string): Site => {
      const found = sites[shape.apart === true ? desks.findIndex(({ id }) => id === desk) : 0];
      if (found === undefined) throw new Error(`unknown desk ${desk}`);
      return found;
    };
    const plainHook: Hook = (desk, ticket) => siteOf(desk).hook(desk, ticket);
    const world: World = {
      services,
      shape,
      sites,
      desks,
      pairs: shape.links.map((link) => pairOf(link, desks)),
      siteOf,
      hook: plainHook,
      plainHook,
      close,
    };
    for (const desk of desks) {
      desk.onChange = (ticket) => world.hook(desk.id, ticket);
      await siteOf(desk.id).join(desk);
    }
    if (shape.apart !== true) for (const pair of world.pairs) await linkHere(siteOf(pair.customer.id), pair);
    await Promise.all(sites.map((site) => open(site, shape.workers)));
    if (shape.apart === true)
      for (const { customer, supplier } of world.pairs)
        await pairSites(
          { site: siteOf(customer.id), desk: customer.id },
          { site: siteOf(supplier.id), desk: supplier.id },
        );
    return world;
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(site: Site, workers: number): Promise<void> {
  await site.startGateway();
  for (let n = 0; n < workers; n += 1) {
    const program = await (await site.addWorker()).start();
    await program.line(/"ready":true/);
  }
  await site.live();
}

function pairOf({ customer, supplier, lossy = false }: LinkShape, desks: readonly FaultDesk[]): Pair {
  const desk = (id: string): FaultDesk => {
    const found = desks.find((one) => one.id === id);
    if (found === undefined) throw new Error(`unknown desk ${id}`);
    return found;
  };
  return { link: `${customer}-${supplier}`, customer: desk(customer), supplier: desk(supplier), lossy };
}

const same = ['open', 'waiting', 'working', 'closed'].map((status) => ({ from: status, to: status }));

/** Returns the status that the supplier has for a status that crosses to it. */
export function statusAtSupplier({ lossy }: Pick<Pair, 'lossy'>, status: string): string {
  return lossy && status === 'working' ? 'open' : status;
}

async function linkHere(site: Site, pair: Pair): Promise<void> {
  const toSupplier = same.map(({ from }) => ({ from, to: statusAtSupplier(pair, from) }));
  await site.link(pair.link, pair.customer.id, pair.supplier.id, {
    customer: { inbound: { statuses: same } },
    supplier: { inbound: { statuses: toSupplier } },
  });
}
