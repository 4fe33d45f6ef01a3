/** The ticket that the demo suggests to escalate, and the people at the desks. */
import { acmeNames, acmeSeed } from '#twins/halo/seeds/acme.ts';
import { northwindNames } from '#twins/halo/seeds/northwind.ts';
import { twinClient, TwinRefusal } from '#twins/halo/client.ts';
import type { TicketSeen } from '#twins/halo/client.ts';

import { demoFailed } from '#standalone/machine/errors.ts';

export const people = {
  acme: { agent: acmeNames.agents.dana, user: acmeNames.users.priya },
  northwind: { agent: northwindNames.agents.lena },
} as const;

export const escalation = { outcome: acmeNames.outcomes.escalate, supplier: acmeNames.supplier } as const;

export type DemoTicket = { readonly id: number; readonly summary: string };

/**
 * Returns an open ticket "VPN drops every hour" that nobody has escalated. A ticket is escalated only once, so if an earlier
 * run escalated it, its end user logs another one. @throws StandaloneError demo-failed
 */
export async function ticketToEscalate(acmeUrl: string, signal: AbortSignal): Promise<DemoTicket> {
  const seeded = acmeSeed.tickets.find(({ id }) => id === acmeNames.tickets.vpn);
  if (seeded === undefined) throw demoFailed("Acme's seed has no ticket to escalate");
  const { summary, id: _id, user_id: _user, agent_id: _agent, status_id: _status, ...form } = seeded;
  const acme = twinClient(acmeUrl);
  try {
    signal.throwIfAborted();
    const query = new URLSearchParams({ search: summary, open_only: 'true', order: 'id', orderdesc: 'false' });
    const { tickets } = (await acme.call('GET', `/tickets?${query.toString()}`)) as { tickets: readonly TicketSeen[] };
    const found = tickets.find((one) => one.supplier_id === 0 && one.supplier_reference === '');
    const { id } = found ?? (await acme.userTicket(acmeNames.users.priya, { summary, ...form }));
    return { id, summary };
  } catch (error) {
    if (error instanceof TwinRefusal) throw demoFailed(`Acme refused to show or log a ticket (${error.message})`);
    throw error;
  }
}
