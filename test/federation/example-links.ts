/** The links file of the demo for a test's own desks: other ids, faster desks, and the test's changes. */
import { readFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { checkout } from '#test/support/process.ts';

type Node = { [key: string]: Node } & { readonly [Symbol.iterator]?: never };

/** As parsed: tests reach into it as deep as they need. */
export type LinksFile = {
  instances: Record<string, Record<string, unknown>>;
  profiles: Record<string, unknown>;
  links: Record<string, { mode?: string; customer: SideInFile; supplier: SideInFile }>;
};
export type SideInFile = {
  instance: string;
  account: Record<string, string>;
  inbound: Record<string, unknown[]> & { actionDefault?: string };
  outbound?: Record<string, unknown>;
};
export type { Node };

/** No waiting: what the twins do by themselves, they do at once. */
export const quickOptions = { settleMs: 400, overlapMs: 2_000, writeTimeoutMs: 5_000, rate: null };

export type ExampleOptions = {
  /** Ids of the two instances. */
  readonly customer: string;
  readonly supplier: string;
  readonly options?: Readonly<Record<string, unknown>>;
  change?(file: LinksFile, link: LinksFile['links'][string]): void;
};

/** Returns examples/acme-northwind.yaml with these instances, and all other settings unchanged. */
export async function exampleLinks(given: ExampleOptions): Promise<string> {
  const { customer, supplier } = given;
  const text = await readFile(`${checkout}examples/acme-northwind.yaml`, 'utf8');
  const file = parse(text) as LinksFile;
  const link = file.links['acme-northwind'];
  const { acme, northwind } = file.instances;
  if (link === undefined || acme === undefined || northwind === undefined) throw new Error('the example has changed');
  const options = { ...quickOptions, ...given.options };
  file.instances = {
    [customer]: { ...named(acme, customer), options },
    [supplier]: { ...named(northwind, supplier), options },
  };
  file.links = { [`${customer}-${supplier}`]: link };
  link.customer.instance = customer;
  link.supplier.instance = supplier;
  given.change?.(file, link);
  return stringify(file);
}

/** The variables go by the instance's id. */
function named(instance: Record<string, unknown>, id: string): Record<string, unknown> {
  const prefix = id.toUpperCase().replaceAll('-', '_');
  const at = (name: string): { env: string } => ({ env: `${prefix}_${name}` });
  return {
    ...instance,
    url: at('URL'),
    credentials: { clientId: at('CLIENT_ID'), clientSecret: at('CLIENT_SECRET') },
    hookSecret: at('HOOK_SECRET'),
  };
}
