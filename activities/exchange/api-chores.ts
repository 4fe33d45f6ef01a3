/** The sweeper's chores for sides that are called, or call, through the API. */
import type { HttpClient } from '#connectors/contract/http.ts';
import { endRead, purgeOffers } from '#db/exchange/offers.ts';
import { purgeUploads } from '#db/exchange/uploads.ts';
import { callWebhooks } from './call-webhooks.ts';
import type { WorkDeps } from '#activities/deps.ts';

export type ApiChoresDeps = Pick<WorkDeps, 'db' | 'cache' | 'wake' | 'log'> & {
  readonly http: HttpClient;
  readonly open: (sealed: string, context: string) => Promise<string>;
};

export type ApiChore = { readonly name: string; readonly everyMs: number; readonly work: () => Promise<void> };

export function apiChores(deps: ApiChoresDeps): readonly ApiChore[] {
  const { db, cache, wake } = deps;
  return [
    { name: 'webhooks', everyMs: 1_000, work: () => callWebhooks(deps) },
    { name: 'read', everyMs: 60_000, work: async () => wake(await endRead(db, cache)) },
    {
      name: 'uploads',
      everyMs: 10 * 60_000,
      work: async () => {
        await purgeOffers(db);
        await purgeUploads(db);
      },
    },
  ];
}
