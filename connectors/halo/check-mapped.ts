/** What the links of this Halo rely on: accounts that can be seen, and fields that new tickets must have. */
import type { Mapped, Probe } from '#connectors/contract/check.ts';
import { nearestName } from '#core/words/nearest.ts';
import { assumed } from './assumed.ts';
import { byName, same } from './catalogue.ts';
import type { Asking } from './check-shape.ts';
import { allOf } from './pages.ts';
import { createTypeReader } from './types.ts';
import * as wire from './wire.ts';

export function mappedProbes(asking: Asking, mapped: Mapped): readonly Probe[] {
  return [
    ...mapped.accounts.map((name) => accountProbe(asking, name)),
    ...mapped.types.map((type) => typeProbe(asking, type)),
  ];
}

function accountProbe({ desk: { client }, call }: Asking, name: string): Probe {
  return {
    name: 'mapped account',
    about: name,
    async run(signal) {
      const what = call('Looking for a mapped account', signal);
      const clients = await allOf(client, { path: 'Client', key: 'clients', query: {}, row: wire.client }, what);
      const customer = byName(clients, name);
      const suppliers =
        customer === undefined
          ? await allOf(client, { path: 'Supplier', key: 'suppliers', query: {}, row: wire.supplier }, what)
          : [];
      const found = customer ?? byName(suppliers, name);
      if (found === undefined) {
        const near = nearestName(
          name,
          [...clients, ...suppliers].map((one) => one.name),
        );
        const guess = near === undefined ? '' : ` The nearest name is "${near}".`;
        return {
          verdict: 'differs',
          saw: 'no customer or supplier of this name is shown',
          fix: `Correct the link's \`account\`, or let Ferry's agent see it.${guess}`,
        };
      }
      if (found.inactive === true)
        return { verdict: 'differs', where: 'inactive', saw: 'it is inactive', fix: 'Make it active in Halo.' };
      const key = customer === undefined ? 'supplier_id' : 'client_id';
      const query = { [key]: found.id, pageinate: true, page_size: 1, page_no: 1 };
      const { rows } = await client.list({ path: 'Tickets', key: 'tickets', query, row: wire.ticketRow }, what);
      if (rows.length > 0) return { verdict: 'ok' };
      return {
        verdict: 'unknown',
        where: 'tickets',
        saw: 'no ticket of it is shown: there is none yet, or our agent may not see them',
        fix: "Look at the rights of Ferry's agent in Halo if there are tickets of it.",
      };
    },
  };
}

function typeProbe({ desk: { client }, call }: Asking, type: Mapped['types'][number]): Probe {
  const read = createTypeReader(client);
  return {
    name: 'mandatory fields',
    about: type.name,
    async run(signal) {
      const what = call('Reading a ticket type', signal);
      const list = { path: 'TicketType', key: 'tickettypes', query: {}, row: wire.ticketType };
      const { rows } = await client.list(list, what);
      const found = byName(rows, type.name);
      if (found === undefined)
        return { verdict: 'differs', saw: 'there is no such ticket type', fix: 'Correct `ticketTypes` of the link.' };
      const query = { typeid: assumed.ticketFields, includevalues: true };
      const fields = await client.list({ path: 'FieldInfo', key: 'fields', query, row: wire.fieldInfo }, what);
      const [details] = await read([found], fields.rows, what);
      const fieldsMissing = (details?.required ?? []).filter((one) => !type.fields.some((field) => same(field, one)));
      const ownMissing = (details?.requiredOwn ?? []).filter(({ of }) => !type.own.includes(of));
      const missing = [...fieldsMissing, ...ownMissing.map(({ name }) => name)];
      if (missing.length === 0) return { verdict: 'ok' };
      return {
        verdict: 'differs',
        where: 'fields[].technew',
        saw: `a new ticket must have ${missing.join(', ')}, which no setting fills`,
        fix: 'Map them (`inbound.fields`, `categories`, `priorities`; `account.team`), or make them optional in Halo.',
      };
    },
  };
}
