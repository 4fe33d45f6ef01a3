// A gateway in this process, with its own database and access to its log.
import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { makeLog } from '#config/log.ts';
import { connect, rows } from '#db/base/client.ts';
import type { Connection } from '#db/base/client.ts';
import { createApp } from '#gateway/app.ts';
import type { GatewayDeps } from '#gateway/app.ts';
import { serve } from '#gateway/serve.ts';
import type { ServeOptions } from '#gateway/serve.ts';
import { freshDatabase } from '#test/support/database.ts';

export const hookSecret = 'planted-hook-secret-0123456789';

type HintRow = { readonly instance: string; readonly ticket: string };

export type TestGateway = {
  readonly url: string;
  readonly connection: Connection;
  /** The path of the instance's webhook. */
  readonly hook: string;
  log(): string;
  hints(): Promise<HintRow[]>;
  close(): Promise<void>;
};

export type TestGatewayOptions = Partial<Pick<GatewayDeps, 'hintOf' | 'temporalUp'>> & {
  readonly serve?: Partial<ServeOptions>;
};

export async function startGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const database = await freshDatabase('gateway');
  const connection = connect(database.url, { max: 4 });
  await connection.db.execute(sql`insert into instances (id, type, name, url, credentials, hook_secret_hash)
    values ('acme', 'halo', 'Acme', 'https://acme.example', 'sealed', ${createHash('sha256').update(hookSecret).digest('hex')})`);
  let log = '';
  const gateway = createApp({
    connection,
    log: makeLog({ level: 'info', name: 'gateway', to: { write: (line) => void (log += line) } }),
    version: '9.9.9',
    hintOf: options.hintOf ?? (() => ticketsOf),
    temporalUp: options.temporalUp ?? (() => Promise.resolve(true)),
  });
  const served = await serve(gateway, { host: '127.0.0.1', port: 0, ...options.serve });
  return {
    url: served.url,
    connection,
    hook: `${served.url}/hooks/acme/${hookSecret}`,
    log: () => log,
    hints: async () => [
      ...(await rows<HintRow>(connection.db, sql`select instance, ticket from hints order by instance, ticket`)),
    ],
    close: async () => {
      await served.stop(1_000);
      await connection.close();
      await database.drop();
    },
  };
}

function ticketsOf(body: unknown): string[] {
  const { tickets } = body as { tickets?: unknown };
  return Array.isArray(tickets) ? tickets.map(String) : [];
}

export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
}
