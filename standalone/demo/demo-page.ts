/** Connects the demo's page to this start: its desks, its worker, its ticket. */
import { ferryCommand } from '#standalone/machine/command-line.ts';
import { local } from '#standalone/machine/ports.ts';
import type { Up } from '#standalone/machine/bring-up.ts';
import type { Children } from '#standalone/machine/children.ts';
import { linkId } from './demo-desks.ts';
import type { DemoDesks } from './demo-desks.ts';
import type { Ports } from '#standalone/machine/kept.ts';
import type { Paths } from '#standalone/machine/paths.ts';
import { openPage } from '#standalone/page/page.ts';
import type { Page } from '#standalone/page/page.ts';
import type { Session } from '#standalone/page/live.ts';

/** Starts the page. @throws StandaloneError port-taken */
export function openDemoPage(ports: Ports): Promise<Page> {
  return openPage({ port: ports.page, frames: [local(ports.acme), local(ports.northwind)] });
}

/** Shows the demo once everything is running, then starts the other customers, for which nobody has to wait. */
export async function showDemo(
  page: Page,
  up: Up,
  children: Children,
  paths: Paths,
  say: (line: string) => void,
): Promise<{ close(): Promise<void> }> {
  const { desks, demo, secretKey, running } = up;
  if (desks === null || demo?.ticket === undefined) return { close: async () => {} };
  const [{ twinDesk }, { rtDesk }, { haloWords, rtWords }, { people }, { resetDemo }] = await Promise.all([
    import('#standalone/page/desks.ts'),
    import('#standalone/page/rt-desk.ts'),
    import('#standalone/page/step-words.ts'),
    import('./demo-ticket.ts'),
    import('#standalone/page/reset.ts'),
  ]);
  const databaseUrl = running.postgres.url;
  const { token } = desks.northwind;
  const twins = {
    acme: twinDesk(desks.acme.url, people.acme.user),
    northwind: token === undefined ? twinDesk(desks.northwind.url, undefined) : rtDesk(desks.northwind.url, token),
  };
  await page.ready({
    ...{ databaseUrl, secretKey, link: linkId, children, say, desks: twins },
    ticket: demo.ticket,
    command: (words) => ferryCommand(words, running.data),
    words: token === undefined ? haloWords : rtWords,
    frames: (ticket) => framesOf(desks, ticket.id),
    farTicketUrl: (id) => farUrl(desks, id),
    session: up.agentPassword === null ? null : sessionAt(desks.northwind.url, up.agentPassword),
    reset: () => resetDemo({ databaseUrl, secretKey, desks, twins, say }),
  });
  if (token !== undefined) return { close: async () => {} };
  const customers = import('./demo-customers.ts')
    .then(({ startCustomers }) => startCustomers(paths, databaseUrl, secretKey))
    .catch((error: unknown) => {
      say(`Northwind's other customers are missing (${error instanceof Error ? error.message : String(error)})`);
      return null;
    });
  return {
    close: async () => {
      await (await customers)?.close();
    },
  };
}

function framesOf(desks: DemoDesks, ticket: number): Record<'acme' | 'northwind' | 'portal' | 'outbox', string> {
  const { acme } = desks;
  return {
    acme: `${acme.url}/desk/tickets/${ticket}`,
    northwind: farUrl(desks, null),
    portal: `${acme.url}/portal/tickets/${ticket}`,
    outbox: `${acme.url}/outbox?ticket=${ticket}`,
  };
}

/** Returns where Northwind shows a ticket, or all; through this page if its agent must log in first. */
function farUrl({ northwind: { url, token } }: DemoDesks, id: string | null): string {
  if (token !== undefined) return `/rt${id === null ? '' : `?ticket=${encodeURIComponent(id)}`}`;
  return id === null ? `${url}/desk` : `${url}/desk/tickets/${encodeURIComponent(id)}`;
}

/** Logs Northwind's agent in, and returns the address to open next. */
function sessionAt(url: string, password: string): (ticket: string | null) => Promise<Session> {
  return async (ticket) => {
    const { rtSession } = await import('#standalone/page/rt-session.ts');
    const query = "/Search/Results.html?Query=Queue%20%3D%20'Acme'&OrderBy=id&Order=DESC";
    return {
      cookie: await rtSession(url, 'lena', password),
      location: url + (ticket === null ? query : `/Ticket/Display.html?id=${encodeURIComponent(ticket)}`),
    };
  };
}
