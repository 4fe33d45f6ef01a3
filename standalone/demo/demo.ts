/** The demo: two stand-ins for Halo, linked as in examples/acme-northwind.yaml, and a ticket to try. */
import type { DemoResult } from './demo-result.ts';
import { connect } from '#db/base/client.ts';

import { commandsFor } from './demo-commands.ts';
import type { DemoDesks } from './demo-desks.ts';
import { linkId, twinNames } from './demo-desks.ts';
import { linkDesks } from './demo-link.ts';
import { untilRead } from './demo-read.ts';
import { people, ticketToEscalate } from './demo-ticket.ts';
import { ensureWebhook } from './demo-webhooks.ts';

export type DemoDeps = {
  readonly databaseUrl: string;
  readonly gatewayUrl: string;
  /** The key that seals secrets; base64, 32 bytes. */
  readonly secretKey: string;
  readonly desks: DemoDesks;
  /** Settles when gateway and worker are up, after database and desks. */
  readonly carriers: Promise<unknown>;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
};

/** Sets the demo up. Idempotent, because it runs at every start. */
export type SeedDemo = (deps: DemoDeps) => Promise<DemoResult>;

/** Sets the demo up. @throws StandaloneError demo-failed */
export async function seedDemo(deps: DemoDeps): Promise<DemoResult> {
  const { desks, gatewayUrl, say, signal } = deps;
  const connection = connect(deps.databaseUrl, { max: 2, name: 'ferry-demo' });
  try {
    say('linking Acme and Northwind');
    await linkDesks(connection.db, desks, deps.secretKey, say);
    const hooks = Object.fromEntries(
      twinNames.map((name) => [name, `${gatewayUrl}/hooks/${name}/${desks[name].hookSecret}`]),
    );
    // A Request Tracker gets its webhook from its setup.
    const halos = twinNames.filter((name) => desks[name].token === undefined);
    for (const name of halos) await ensureWebhook(desks[name], hooks[name] ?? '', signal);
    const ticket = await ticketToEscalate(desks.acme.url, signal);
    await deps.carriers;
    await untilRead(connection.db, twinNames, say, signal);
    const shown = twinNames.map((name) => [
      name,
      {
        ...desks[name],
        tokenUrl: `${desks[name].url}/auth/token`,
        hookUrl: hooks[name],
        twinUrl: `${desks[name].url}/twin`,
        ...people[name],
      },
    ]);
    return {
      details: { link: linkId, ticket, desks: Object.fromEntries(shown) as unknown },
      curl: commandsFor(desks, ticket),
      ticket: { instance: 'acme', ...ticket },
    };
  } finally {
    await connection.close();
  }
}
