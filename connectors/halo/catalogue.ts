/** What a Halo offers, and its names as ids. Read as a whole, kept for a while, read again once for a name it lacks. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Catalogue, CatalogueField, CatalogueKind, SendTo } from '#core/words/vocabulary.ts';
import { sameName } from '#core/words/names.ts';
import { assumed } from './assumed.ts';
import type { Call } from './call.ts';
import type { HaloClient } from './client.ts';
import { catalogueField, ticketFields } from './fields.ts';
import { readLists } from './lists.ts';
import { createTypeReader } from './types.ts';
import type { TypeReader } from './types.ts';
import type * as wire from './wire.ts';

type Named = { readonly id: number; readonly name: string };

/** Everything that names and ids are translated with. */
export type Words = {
  readonly catalogue: Catalogue;
  readonly statuses: readonly Named[];
  readonly closed: ReadonlySet<number>;
  readonly types: readonly Named[];
  /** One for each service level: the number that tickets have, which is not the row's own id. */
  readonly priorities: readonly (Named & { readonly sla: number | null })[];
  readonly clients: readonly Named[];
  readonly suppliers: readonly Named[];
  readonly agents: readonly (Named & { readonly email: string | undefined })[];
  readonly fields: readonly wire.FieldInfo[];
  readonly kinds: readonly (Named & { readonly plain: boolean; readonly sends: boolean })[];
};

export type Glossary = {
  /** Returns the words as last read. */
  words(call: Call): Promise<Words>;
  /** Reads them again. */
  reload(call: Call): Promise<Words>;
  /**
   * What `find` finds in the words; when it finds nothing they are read again, once a minute at most.
   * Throws `refused` with what was looked for.
   */
  look<T>(what: string, name: string, find: (words: Words) => T | undefined, call: Call): Promise<T>;
};

const defaultTtlMs = 600_000;
const reloadPauseMs = 60_000;

/** @param readTypes a request for each type, which a check does without */
export function createGlossary(
  client: HaloClient,
  options: wire.HaloOptions,
  readTypes: TypeReader = createTypeReader(client),
): Glossary {
  const ttl = options.catalogueTtlMs ?? defaultTtlMs;
  let known: { readonly words: Words; readonly readAt: number } | null = null;
  let reading: Promise<Words> | null = null;
  let missedAt = -Infinity;

  function reload(call: Call): Promise<Words> {
    reading ??= readWords(client, readTypes, options, call)
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

export function byId<T extends { readonly id: number | string }>(
  records: readonly T[],
  id: number | string | null | undefined,
): T | undefined {
  if (id === null || id === undefined) return undefined;
  return records.find((one) => String(one.id).toLowerCase() === String(id).toLowerCase());
}

export function same(a: string, b: string): boolean {
  return sameName(a, b);
}

async function readWords(
  client: HaloClient,
  readTypes: TypeReader,
  options: wire.HaloOptions,
  call: Call,
): Promise<Words> {
  const all = { ...call, link: null, what: 'Reading the catalogue' };
  const lists = await readLists(client, all);
  const { statuses, open, categories, types, outcomes, fields, clients, suppliers, teams, agents } = lists;
  const closedNames = options.closedStatuses;
  const isClosed = ({ id, name }: Named): boolean => {
    if (closedNames !== undefined) return closedNames.some((one) => same(one, name));
    return id === assumed.closedStatusId || open?.has(id) === false;
  };
  const closed = new Set(statuses.filter(isClosed).map(({ id }) => id));
  const kinds = outcomes.map((outcome) => kindOf(outcome, statuses));
  const priorities = lists.priorities.flatMap(({ id, priorityid, slaid, name, ishidden }) => {
    const number = priorityid ?? (typeof id === 'number' ? id : null);
    return number === null ? [] : [{ id: number, name, sla: slaid ?? null, hidden: ishidden === true }];
  });
  const syncing = unique([...clients, ...suppliers].filter(isSyncing).map(({ name }) => name));
  return {
    catalogue: {
      statuses: statuses.map(({ id, name }) => ({ name, closed: closed.has(id) })),
      categories,
      types: await readTypes(types, fields, all),
      priorities: unique(priorities.filter(({ hidden }) => !hidden).map(({ name }) => name)),
      fields: [...fields.map(catalogueField), ...ownFields(suppliers)],
      kinds,
      accounts: unique([...clients, ...suppliers].filter(isActive).map(({ name }) => name)),
      teams: teams.filter(isActive).map(({ name }) => name),
      ...(syncing.length === 0 ? {} : { syncing }),
    },
    statuses,
    closed,
    types,
    priorities,
    clients: clients.filter(isActive),
    suppliers,
    agents: agents.map(({ id, name, email }) => ({ id, name, email: email ?? undefined })),
    fields,
    kinds: outcomes.map(({ id, outcome, systemid, hidden }, index) => {
      const kind = kinds[index];
      // Kinds that Halo uses itself, or offers to nobody, are not for plain notes.
      const isOffered = (systemid ?? 0) <= 0 && hidden !== true;
      return { id, name: outcome, plain: isOffered && isQuiet(kind), sends: kind?.sends !== 'none' };
    }),
  };
}

function isActive({ inactive }: { readonly inactive?: boolean | null | undefined }): boolean {
  return inactive !== true;
}

/** Where its list shows that at all, which nobody has seen yet. */
function isSyncing({ thirdpartynhdapiurl }: wire.Account): boolean {
  return (thirdpartynhdapiurl ?? '').trim() !== '';
}

/** Fit for a note that names no kind: mails nobody, changes no status. */
function isQuiet(kind: CatalogueKind | undefined): boolean {
  return kind !== undefined && !kind.mails && kind.status === null;
}

const sendTos: readonly SendTo[] = ['none', 'supplier', 'customer'];

/**
 * The choice "Send to Connected Halo Instance" of one action. The web client also says 0 with kinds that offer no choice:
 * that is no choice.
 */
export function sendToOf(value: number | null | undefined, kindSends: boolean): SendTo | undefined {
  if (value === null || value === undefined || (value === 0 && !kindSends)) return undefined;
  return sendTos[value];
}

function kindOf(outcome: wire.Outcome, statuses: readonly Named[]): CatalogueKind {
  const { newstatus, sendemail, hidefromuser, default_send_to_halo: sends } = outcome;
  return {
    name: outcome.outcome,
    hidden: hidefromuser ?? false,
    mails: sendemail === true,
    // A flag without a direction; the settings of both sides tell which way a kind goes.
    sends: sends === true ? 'supplier' : 'none',
    status:
      newstatus !== null && newstatus !== undefined && newstatus > 0 ? (byId(statuses, newstatus)?.name ?? null) : null,
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
