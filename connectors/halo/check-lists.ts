/** Every list that the connector's words are read from, asked as the connector asks it. */
import type { Facts, Outcome, Probe } from '#connectors/contract/check.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { verdictOf } from '#connectors/kit/check.ts';
import { assumed } from './assumed.ts';
import { same } from './catalogue.ts';
import { lookAt, shapeOutcome } from './check-shape.ts';
import type { Asking, Looked } from './check-shape.ts';
import type { Query } from './client.ts';
import * as wire from './wire.ts';
import type { Schema } from './wire.ts';

type Asked = {
  readonly name: string;
  readonly path: string;
  readonly key: string;
  readonly query?: Query;
  readonly row: Schema<unknown>;
  /** Without one nothing can be carried. */
  readonly needed: boolean;
  readonly facts?: (looked: Looked<unknown>) => Facts;
};

const page = { pageinate: true, page_size: assumed.pageRows, page_no: 1 };

const lists: readonly Asked[] = [
  {
    name: 'statuses',
    path: 'Status',
    key: 'statuses',
    query: { type: 'ticket' },
    row: wire.status,
    needed: true,
  },
  { name: 'categories', path: 'Category', key: 'categories', row: wire.category, needed: false },
  { name: 'priorities', path: 'Priority', key: 'priorities', row: wire.priority, needed: true },
  { name: 'ticket types', path: 'TicketType', key: 'tickettypes', row: wire.ticketType, needed: true },
  { name: 'action kinds', path: 'Outcome', key: 'outcomes', row: wire.outcome, needed: true },
  {
    name: 'fields',
    path: 'FieldInfo',
    key: 'fields',
    query: { typeid: assumed.ticketFields, includevalues: true },
    row: wire.fieldInfo,
    needed: false,
  },
  { name: 'customers', path: 'Client', key: 'clients', query: page, row: wire.client, needed: true },
  { name: 'suppliers', path: 'Supplier', key: 'suppliers', query: page, row: wire.supplier, needed: false },
  { name: 'users', path: 'Users', key: 'users', query: page, row: wire.user, needed: false },
  { name: 'sites', path: 'Site', key: 'sites', query: page, row: wire.site, needed: false },
  { name: 'teams', path: 'Team', key: 'teams', row: wire.team, needed: false },
  {
    name: 'agents',
    path: 'Agent',
    key: 'agents',
    query: { includeapiagents: true },
    row: wire.agent,
    needed: true,
    facts: ({ form }) => ({ agents: form === 'results' ? 'results' : 'array' }),
  },
];

export function listProbes(asking: Asking): readonly Probe[] {
  return [...lists.map((list) => listProbe(asking, list)), closedProbe(asking)];
}

function listProbe(asking: Asking, { name, path, key, query = {}, row, needed, facts }: Asked): Probe {
  return {
    name: 'list',
    about: name,
    async run(signal) {
      const call = asking.call(`Reading the list of ${name}`, signal);
      const looked = await lookAt(asking, { path, key, query, row }, call).catch(missingScope);
      if ('verdict' in looked) return looked;
      const learnt = facts === undefined ? {} : { facts: facts(looked) };
      const wrong = shapeOutcome(looked);
      if (wrong !== null) return { ...wrong, ...learnt };
      if (needed && looked.rows.length === 0)
        return {
          verdict: 'not-allowed',
          where: key,
          saw: 'the list is empty',
          fix: `Give the API application's agent the right to see ${name}.`,
        };
      return { verdict: 'ok', saw: `${looked.rows.length} read`, ...learnt };
    },
  };
}

/** Some Halos answer 401 and others 403; a token that is refused is the token's probe to tell. */
function missingScope(error: unknown): Outcome {
  if (!(error instanceof HelpdeskError) || error.class !== 'auth') throw error;
  const outcome = verdictOf(error);
  if (error.code === 'not-signed-in') return { ...outcome, facts: { missingScope: 401 } };
  return error.code === 'insufficient-scope' ? { ...outcome, facts: { missingScope: 403 } } : outcome;
}

/** Which statuses count as closed: by Halo's filter for open ones, else by the option. */
function closedProbe(asking: Asking): Probe {
  const { closedStatuses } = asking.options;
  return {
    name: 'closed statuses',
    async run(signal) {
      const call = asking.call('Reading which statuses are closed', signal);
      const list = { path: 'Status', key: 'statuses', row: wire.status };
      const all = await lookAt(asking, { ...list, query: { type: 'ticket' } }, call);
      const open = await lookAt(asking, { ...list, query: { type: 'ticket', excludeclosed: true } }, call);
      const excludesClosed = open.rows.length > 0 && open.rows.length < all.rows.length;
      const facts = { excludesClosed };
      if (closedStatuses !== undefined) {
        const strange = closedStatuses.filter((name) => !all.rows.some((one) => same(one.name, name)));
        if (strange.length === 0) return { verdict: 'ok', saw: 'as option `closedStatuses` says', facts };
        return {
          verdict: 'differs',
          saw: `no status is called ${strange.join(', ')}`,
          fix: 'Correct option `closedStatuses`.',
          facts,
        };
      }
      if (excludesClosed) return { verdict: 'ok', saw: 'as its filter for open ones says', facts };
      return {
        verdict: 'differs',
        where: 'statuses',
        saw: 'the filter `excludeclosed` leaves none out, so only the one that every Halo has counts as closed',
        fix: 'Name all that are closed in option `closedStatuses`.',
        facts,
      };
    },
  };
}
