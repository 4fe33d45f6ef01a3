/** Finds the client that the caller names. */
import { findClient, knownClients, type KnownClient } from '#db/links/api-clients.ts';
import { suggestion } from '#core/words/nearest.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';

/** Finds it. @throws Refused unknown-client */
export async function clientOf({ db, actor }: Pick<Operator, 'db' | 'actor'>, id: string): Promise<KnownClient> {
  const client = await findClient(db, id);
  if (client !== null) return client;
  // Suggest only clients of links that the caller may see.
  const known = actor.reach === 'all' ? await knownClients(db) : [];
  throw new Refused(
    'unknown-client',
    'unknown',
    `there is no client "${id}". ${known.length === 0 ? 'There are none; see ferry client add.' : suggestion(id, known)}`,
  );
}
