/** What a Halo offers, and its names as ids. Read as a whole, kept for a while, read again once for a name it lacks. */
import { sameName } from '#core/words/names.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Catalogue, CatalogueField, CatalogueKind, CatalogueType, SendTo } from '#core/words/vocabulary.ts';
import type { Call, HaloClient } from './client.ts';
import { catalogueField } from './fields.ts';
import * as wire from './wire.ts';

type Named = { readonly id: number; readonly name: string };

/** Everything that names and ids are translated with. */
export type Words = {
  readonly catalogue: Catalogue;
  readonly statuses: readonly Named[];
  readonly closed: ReadonlySet<number>;
  readonly types: readonly Named[];
  readonly priorities: readonly Named[];
  readonly clients: readonly Named[];
  readonly suppliers: readonly Named[];
  readonly agents: readonly (Named & { readonly email: string | undefined })[];
  readonly fields: readonly wire.FieldInfo[];
  readonly kinds: readonly (Named & { readonly plain: boolean })[];
};

export type Glossary = {
  /** The words as last read. */
  words(call: Call): Promise<Words>;
  /** Read anew. */
  reload(call: Call): Promise<Words>;
  /**
   * What `find` finds in the words; when it finds nothing they are read again, once a minute at most.
   * Throws `refused` with what was looked for.
   */
  look<T>(what: string, name: string, find: (words: Words) => T | undefined, call: Call): Promise<T>;
};

const defaultTtlMs = 600_000;
const reloadPauseMs = 60_000;

/** Fields of the ticket itself that may be mapped as if they were custom ones. */
export const ticketFields = { supplier: 'Supplier', start: 'Start date', target: 'Target date' } as const;

export function createGlossary(client: HaloClient, options: wire.HaloOptions): Glossary {
  const ttl = options.catalogueTtlMs ?? defaultTtlMs;
  let known: { readonly words: Words; readonly readAt: number } | null = null;
  let reading: Promise<Words> | null = null;
  let missedAt = -Infinity;

  function reload(call: Call): Promise<Words> {
    reading ??= readWords(client, options, call)
      .then((words) => {
        known = { words, readAt: performance.now() };
        return words;
      })
      .finally(() => {
        reading = null;
      });
    return reading;
  }

  async function words(call: Call): Promise<Words> {
    if (known !== null && performance.now() - known.readAt < ttl) return known.words;
    return reload(call);
  }

  return {
    words,
    reload,
    async look(what, name, find, call) {
      let found = find(await words(call));
      if (found === undefined && performance.now() - missedAt > reloadPauseMs) {
        missedAt = performance.now();
        found = find(await reload(call));
      }
      if (found !== undefined) return found;
      const message = `This Halo has no ${what} "${name}". Correct the mapping, or create it in Halo.`;
      throw new HelpdeskError('refused', `unknown-${what.replaceAll(' ', '-')}`, message);
    },
  };
}

/** By name, whatever the case. */
export function byName<T extends { readonly name: string }>(records: readonly T[], name: string): T | undefined {
  return records.find((one) => one.name === name) ?? records.find((one) => same(one.name, name));
}

export function byId<T extends { readonly id: number }>(
  records: readonly T[],
  id: number | null | undefined,
): T | undefined {
  return records.find((one) => one.id === id);
}

export function same(a: string, b: string): boolean {
  return sameName(a, b);
}

async function readWords(client: HaloClient, options: wire.HaloOptions, call: Call): Promise<Words> {
  const all = { ...call, link: null, what: 'Reading the catalogue' };
  const list = <T>(path: string, schema: wire.Schema<T>, query = {}): Promise<T> =>
    client.get(path, query, schema, all);
  const statuses = await list('Status', wire.statuses);
  const categories = await list('Category', wire.categories);
  const priorities = await list('Priority', wire.priorities);
  const types = await list('TicketType', wire.ticketTypes);
  const outcomes = await list('Outcome', wire.outcomes);
  const fields = await list('FieldInfo', wire.fieldInfos);
  const { clients } = await list('Client', wire.clients, { count: 10_000 });
  const { suppliers } = await list('Supplier', wire.suppliers, { count: 10_000 }).catch(none({ suppliers: [] }));
  const teams = await list('Team', wire.teams);
  const agents = await list('Agent', wire.agents);

  const closedNames = options.closedStatuses;
  const closed = new Set(
    statuses
      // Where Halo does not say, its own fixed id of "Closed" does.
      .filter(({ id, name, closed: says }) => closedNames?.some((one) => same(one, name)) ?? says ?? id === 9)
      .map(({ id }) => id),
  );
  const kinds = outcomes.map((outcome) => kindOf(outcome, statuses));
  return {
    catalogue: {
      statuses: statuses.map(({ id, name }) => ({ name, closed: closed.has(id) })),
      categories: categories.filter(({ type_id }) => (type_id ?? 1) === 1).map(({ value }) => value),
      types: types.map(typeOf),
      priorities: unique(priorities.filter(({ ishidden }) => ishidden !== true).map(({ name }) => name)),
      fields: [...fields.map(catalogueField), ...ownFields(suppliers)],
      kinds,
      accounts: unique([...clients, ...suppliers].filter(isActive).map(({ name }) => name)),
      teams: teams.filter(isActive).map(({ name }) => name),
    },
    statuses,
    closed,
    types,
    priorities: priorities.flatMap(({ id, priorityid, name }) => {
      const used = priorityid ?? id;
      return used === undefined ? [] : [{ id: used, name }];
    }),
    clients: clients.filter(isActive),
    suppliers,
    agents: agents.map(({ id, name, email }) => ({ id, name, email: email ?? undefined })),
    fields,
    kinds: outcomes.map(({ id, outcome, systemuse }, index) => ({
      id,
      name: outcome,
      plain: isUnused(systemuse) && isQuiet(kinds[index]),
    })),
  };
}

/** What a Halo without that module, or an application without that right, does not list. */
function none<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof HelpdeskError && error.class === 'refused') return instead;
    throw error;
  };
}

function isActive({ inactive }: { readonly inactive?: boolean | null | undefined }): boolean {
  return inactive !== true;
}

function isUnused(systemuse: unknown): boolean {
  return systemuse === undefined || systemuse === null || systemuse === 0 || systemuse === '' || systemuse === 'none';
}

/** Fit for a note that names no kind: mails nobody, changes no status. */
function isQuiet(kind: CatalogueKind | undefined): boolean {
  return kind !== undefined && !kind.mails && kind.status === null;
}

const sendTos: readonly SendTo[] = ['none', 'supplier', 'customer'];

/** Halo's number for "Send to Connected Halo Instance". */
export function sendToOf(value: number | null | undefined): SendTo | undefined {
  return value === null || value === undefined ? undefined : sendTos[value];
}

function kindOf(outcome: wire.Outcome, statuses: readonly Named[]): CatalogueKind {
  const { newstatus, sendemail, sendemail_via_api: viaApi, default_send_to_halo: sends } = outcome;
  return {
    name: outcome.outcome,
    hidden: outcome.hidden ?? outcome.hidefromuser ?? false,
    mails: sendemail === true && viaApi !== false && outcome.systemuse !== 'log_to_supplier',
    sends: sendToOf(sends) ?? 'none',
    status:
      newstatus !== null && newstatus !== undefined && newstatus > 0 ? (byId(statuses, newstatus)?.name ?? null) : null,
  };
}

function typeOf(type: ReturnType<typeof wire.ticketTypes.parse>[number]): CatalogueType {
  const kinds = (type.allowed_actions ?? []).flatMap((row) => row.key2_name ?? row.name ?? []);
  const statuses = (type.allowed_status ?? []).flatMap((row) => row.status_name ?? []);
  return {
    name: type.name,
    ...(type.allowall_actions === true || (type.allowall_actions !== false && kinds.length === 0) ? {} : { kinds }),
    ...(type.allowall_status === true || (type.allowall_status !== false && statuses.length === 0) ? {} : { statuses }),
  };
}

function ownFields(suppliers: readonly Named[]): CatalogueField[] {
  return [
    { name: ticketFields.supplier, type: 'option', options: suppliers.map(({ name }) => name) },
    { name: ticketFields.start, type: 'datetime' },
    { name: ticketFields.target, type: 'datetime' },
  ];
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
