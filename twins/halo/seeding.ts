/** Fills an empty desk with its seed. */
import { randomBytes } from 'node:crypto';
import { makeAction } from './actions.ts';
import type { Desk } from './desk.ts';
import { noSwitches } from './desk.ts';
import type { Records } from './model.ts';
import type { HaloSeed, SeedTicket } from './seed.ts';
import { createTicket } from './tickets.ts';
import { arrival } from './time.ts';

/** Adds everything, with the tickets last, since they refer to the rest. All or nothing. */
export function seedDesk(desk: Desk, seed: HaloSeed): void {
  const { store } = desk;
  store.atomically(() => {
    // The addresses of pictures are signed with it.
    store.setMeta('instance', randomBytes(8).toString('hex'));
    const put = <K extends keyof Records>(kind: K, records: readonly Records[K][]): void => {
      for (const record of records) store.put(kind, record);
    };
    put('status', seed.statuses);
    put('category', seed.categories);
    put('priority', seed.priorities);
    put('tickettype', seed.ticketTypes);
    put('outcome', seed.outcomes);
    put('template', seed.templates);
    put('fieldinfo', seed.fields);
    put('client', seed.clients);
    put('site', seed.sites);
    put('user', seed.users);
    put('agent', seed.agents);
    put('team', seed.teams);
    put('supplier', seed.suppliers);
    put('rule', seed.rules);
    for (const ticket of seed.tickets) seedTicket(desk, ticket);
    store.setMeta('seeded', seed.name);
  });
}

const hour = 3_600_000;

/** Logs a ticket and what was done on it, at times in the past. Announces nothing. */
function seedTicket(desk: Desk, { id, fields, hoursAgo = 0, actions = [], ...form }: SeedTicket): void {
  const { store } = desk;
  const customfields = Object.entries(fields).map(([name, value]) => ({ name, value }));
  const logged = desk.now() - hoursAgo * hour;
  const ticket = arrival.run(logged, () =>
    createTicket(desk, { ...form, customfields }, { by: 'system' }, { ...noSwitches, preventOutgoing: true }, id),
  );
  for (const [index, { agent: name, outcome, note_html }] of actions.entries()) {
    const kind = store.named('outcome', outcome);
    const agent = store.named('agent', name);
    if (kind === null || agent === null) throw new Error(`The seed names ${outcome} by ${name}, which it has not`);
    const actor = { by: 'agent', agentId: agent.id, name: agent.name } as const;
    const making = { kind, actor, switches: { ...noSwitches, preventOutgoing: true }, status: ticket.status_id };
    arrival.run(Math.min(desk.now(), logged + (index + 1) * hour), () =>
      makeAction(desk, ticket, { note_html }, making),
    );
  }
}

/** Empties the desk and seeds it again. Tokens and webhooks stay, so that a connected gateway keeps working. */
export function resetDesk(desk: Desk, seed: HaloSeed): void {
  const { store } = desk;
  const webhooks = store.list('webhook');
  const tokens = store.all('select token, client_id, scope, expires from tokens');
  store.empty();
  seedDesk(desk, seed);
  for (const webhook of webhooks) store.put('webhook', webhook);
  const next = Math.max(0, ...webhooks.map((webhook) => webhook.id)) + 1;
  store.setMeta('webhook', String(next));
  for (const { token, client_id, scope, expires } of tokens) {
    store.run(
      'insert into tokens values (?, ?, ?, ?)',
      String(token),
      String(client_id),
      String(scope),
      Number(expires),
    );
  }
}
