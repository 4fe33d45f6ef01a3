/** The benchmark's own work at a light desk: opens tickets, writes as a person, watches what arrives. */
import { Agent, request } from 'undici';
import type { DeskTicket } from '#twins/light/server.ts';

export type DeskClient = {
  readonly url: string;
  /** Opens tickets and returns their ids in order. */
  open(count: number): Promise<string[]>;
  /** Writes a person's note. */
  note(ticket: string, note: string): Promise<void>;
  /** Sends webhooks here from now on; null: nowhere. */
  hook(url: string | null): Promise<void>;
  /** Returns the tickets that changed since the position, and the current position. */
  changed(after: number): Promise<{ tickets: readonly string[]; cursor: number }>;
  position(): Promise<number>;
  dump(): Promise<DeskTicket[]>;
  close(): Promise<void>;
};

const atOnce = 16;

export function deskClient(url: string): DeskClient {
  const dispatcher = new Agent({ connections: 64, keepAliveTimeout: 30_000 });
  const call = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> => {
    const reply = await request(`${url}${path}`, {
      method,
      dispatcher,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (reply.statusCode >= 300) throw new Error(`${method} ${path} was answered with ${reply.statusCode}`);
    return reply.body.json();
  };
  type Page = { tickets: string[]; cursor: number; end: number };
  return {
    url,
    async open(count) {
      const ids: string[] = [];
      for (let done = 0; done < count; done += atOnce) {
        const made = await Promise.all(
          Array.from({ length: Math.min(atOnce, count - done) }, () =>
            call('POST', '/tickets', { summary: 'VPN drops every hour', description: '<p>It does.</p>' }),
          ),
        );
        for (const one of made) ids.push((one as { id: string }).id);
      }
      return ids;
    },
    note: async (ticket, note) => void (await call('POST', `/tickets/${ticket}/actions`, { note })),
    hook: async (hook) => void (await call('POST', '/control', { hook: hook ?? '' })),
    async changed(after) {
      const page = (await call('GET', `/feed?after=${after}&limit=1000`)) as Page;
      return { tickets: page.tickets, cursor: page.cursor };
    },
    position: async () => ((await call('GET', '/feed?limit=0')) as Page).end,
    dump: async () => ((await call('POST', '/control', { dump: true })) as { tickets: DeskTicket[] }).tickets,
    close: () => dispatcher.close(),
  };
}
