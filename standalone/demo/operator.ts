/** The actors of the demo, and their operator. */
import { createHelpdesk, manifestOf, manifests } from '#connectors/index.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import type { Client } from '#db/base/client.ts';
import { helpdesksOf } from '#operate/apply/helpdesks.ts';
import { createOperator, unlimited, type Actor, type HelpdeskOperator, type Operator } from '#operate/operator.ts';

/** The demo itself; it may overwrite its own settings. */
export const demo: Actor = unlimited({ kind: 'system', id: 'demo', name: 'demo' });
/** A person who tries the demo in the browser. */
export const visitor: Actor = unlimited({ kind: 'system', id: 'demo-page', name: 'demo page' });

/** Makes an operator. @param secretKey base64, 32 bytes */
export function demoOperator(db: Client, actor: Actor, secretKey: string): Operator {
  return createOperator({ db, actor, secretKeys: [Buffer.from(secretKey, 'base64')] });
}

/** Connects to the demo's desks while `use` runs. @param secretKey base64, 32 bytes */
export async function withDesks<Result>(
  db: Client,
  actor: Actor,
  secretKey: string,
  use: (operator: HelpdeskOperator) => Promise<Result>,
): Promise<Result> {
  const http = createHttpClient({ allow: { http: 'private', privateAddresses: ['127.0.0.1/32'] } });
  try {
    const helpdesks = helpdesksOf({ createHelpdesk, manifestOf, manifests, http });
    return await use({ ...demoOperator(db, actor, secretKey), helpdesks });
  } finally {
    await http.close();
  }
}
