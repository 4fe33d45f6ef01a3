/** Fills an empty desk with its seed. */
import { randomBytes } from 'node:crypto';
import type { Desk } from './desk.ts';
import { noSwitches } from './desk.ts';
import type { Records } from './model.ts';
import type { HaloSeed } from './seed.ts';
import { createTicket } from './tickets.ts';

/** Puts everything in; tickets last, since they name the rest. All or nothing. */
export function seedDesk(desk: Desk, seed: HaloSeed): void {
  const { store } = desk;
  store.atomically(() => {
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
    for (const { id, fields, ...ticket } of seed.tickets) {
      const customfields = Object.entries(fields).map(([name, value]) => ({ name, value }));
      createTicket(desk, { ...ticket, customfields }, { by: 'system' }, noSwitches, id);
    }
    store.setMeta('seeded', seed.name);
    store.setMeta('instance', randomBytes(8).toString('hex'));
  });
}

/** Empties the desk and seeds it anew. Tokens and webhooks stay, so that a connected gateway goes on working. */
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
