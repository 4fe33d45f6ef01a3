/** Lets API clients read what the other side sent, by cursor. Asking for a later cursor confirms what came before it. */
import { sideNames, type SideName } from '#core/words/vocabulary.ts';
import { mirrorHere } from '#db/exchange/mirror-here.ts';
import { readOn } from '#db/exchange/offers.ts';
import { ProblemError } from '#gateway/problems.ts';
import type { ApiDeps } from './deps.ts';
import { endpoint, type Api } from './endpoint.ts';
import { entriesSchema, mirrorParams, readQuery } from './schemas.ts';
import { transact } from './transact.ts';

export function readingEndpoints(api: Api, deps: ApiDeps): void {
  for (const side of sideNames) sideEndpoints(api, deps, side);
}

const answers = { 200: { description: 'The entries after the cursor, oldest first.', schema: entriesSchema } };

function sideEndpoints(api: Api, deps: ApiDeps, side: SideName): void {
  const read = async (
    link: string,
    mirror: string | null,
    { after, limit }: { readonly after: number; readonly limit: number },
  ) => {
    const found = await transact(deps.db, async (tx) => {
      const here = mirror === null ? null : await mirrorHere(tx, link, mirror);
      if (mirror !== null && here === null) return null;
      return readOn(tx, { link, mirror: here, after, limit });
    });
    if (found === null) throw new ProblemError('not-found');
    deps.wake(found.wake);
    return { entries: found.entries, next: found.entries.at(-1)?.position ?? after };
  };
  endpoint(
    api,
    {
      method: 'get',
      path: `/v1/${side}/actions`,
      id: `${side}Entries`,
      summary: `Read what the ${side} has sent on this link`,
      description: 'Actions and receipts of all mirrors. Only for API clients; gateways receive them by calls.',
      tags: [side],
      asks: side,
      carries: true,
      query: readQuery,
      answers,
      problems: [],
    },
    async (c, { caller, query }) => c.json(await read(caller.link, null, query)),
  );
  endpoint(
    api,
    {
      method: 'get',
      path: `/v1/${side}/tickets/{mirror}/actions`,
      id: `${side}TicketEntries`,
      summary: `Read what the ${side} has sent on one mirror`,
      tags: [side],
      asks: side,
      carries: true,
      params: mirrorParams,
      query: readQuery,
      answers,
      problems: [],
    },
    async (c, { caller, params, query }) => c.json(await read(caller.link, params.mirror, query)),
  );
}
