/** The lists that Halo's words are read from, each as it has to be asked for. */
import { assumed } from './assumed.ts';
import type { Call } from './call.ts';
import type { HaloClient, List } from './client.ts';
import { allOf } from './pages.ts';
import * as wire from './wire.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';

export type RawLists = {
  readonly statuses: readonly { readonly id: number; readonly name: string }[];
  /** Of `statuses`, those that Halo counts as open; null where its filter tells nothing. */
  readonly open: ReadonlySet<number> | null;
  readonly categories: readonly string[];
  readonly priorities: readonly wire.Priority[];
  readonly types: readonly wire.TicketType[];
  readonly outcomes: readonly wire.Outcome[];
  readonly fields: readonly wire.FieldInfo[];
  readonly clients: readonly wire.Account[];
  readonly suppliers: readonly wire.Account[];
  readonly teams: readonly wire.Named[];
  readonly agents: readonly wire.Agent[];
};

/** Throws HelpdeskError. */
export async function readLists(client: HaloClient, call: Call): Promise<RawLists> {
  const list = async <T>(
    path: string,
    key: string,
    row: wire.Schema<T>,
    query: List<T>['query'] = {},
    isNeeded = false,
  ): Promise<readonly T[]> => (await client.list({ path, key, query, row, isNeeded }, call)).rows;
  const paged = <T extends { readonly id: number | string }>(
    path: string,
    key: string,
    row: wire.Schema<T>,
    isNeeded = false,
  ) => allOf(client, { path, key, query: {}, row, isNeeded }, call);

  // Without the filter, statuses of all kinds of things are mixed.
  const statuses = await list('Status', 'statuses', wire.status, { type: 'ticket' }, true);
  const open = client.ways.excludesClosed
    ? await list('Status', 'statuses', wire.status, { type: 'ticket', excludeclosed: true })
    : [];
  const categories = await list('Category', 'categories', wire.category);
  const priorities = await list('Priority', 'priorities', wire.priority, {}, true);
  const types = await list('TicketType', 'tickettypes', wire.ticketType, {}, true);
  const outcomes = await list('Outcome', 'outcomes', wire.outcome, {}, true);
  // Without them: fields of everything, and no options.
  const fields = await list('FieldInfo', 'fields', wire.fieldInfo, {
    typeid: assumed.ticketFields,
    includevalues: true,
  });
  const clients = await paged('Client', 'clients', wire.client, true);
  const suppliers = await paged('Supplier', 'suppliers', wire.supplier).catch(none);
  const teams = await list('Team', 'teams', wire.team).catch(none);
  // An agent for applications only is in no list that does not ask for such.
  const agents = await list('Agent', 'agents', wire.agent, { includeapiagents: true });
  return {
    statuses,
    open: open.length > 0 && open.length < statuses.length ? new Set(open.map(({ id }) => id)) : null,
    categories: categories.filter(({ type_id }) => (type_id ?? 1) === 1).map(({ value }) => value),
    priorities,
    types,
    outcomes,
    fields,
    clients,
    suppliers,
    teams,
    agents,
  };
}

/** What a Halo without that module, or an application without that scope, does not list. */
function none(error: unknown): [] {
  const isMissing = error instanceof HelpdeskError && ['refused', 'auth'].includes(error.class);
  if (isMissing) return [];
  throw error;
}
