/** Endpoints with which one side asks the other for its identity, its catalogue, and the state of actions, mirrors and lanes. */
import { otherSide } from '#core/words/ends.ts';
import { issuerOf } from '#core/words/directory.ts';
import { sideNames, type SideName } from '#core/words/vocabulary.ts';
import { wireStanding, wireVersion } from '#core/wire.ts';
import { linkCatalogue } from '#db/links/link-catalogue.ts';
import { linkEnds } from '#db/exchange/receive-actions.ts';
import { actionStanding, laneStandings, mirrorStanding } from '#db/exchange/standing.ts';
import { ProblemError } from '#gateway/problems.ts';
import type { ApiDeps } from './deps.ts';
import { endpoint, type Api } from './endpoint.ts';
import {
  actionParams,
  actionQuery,
  catalogueSchema,
  instanceSchema,
  lanesQuery,
  lanesSchema,
  mirrorParams,
  mirrorSchema,
} from './schemas.ts';

export function askingEndpoints(api: Api, deps: ApiDeps): void {
  const { db, cache } = deps;
  endpoint(
    api,
    {
      method: 'get',
      path: '/v1/instance',
      id: 'instance',
      summary: 'The identities of both sides',
      tags: ['link'],
      answers: { 200: { description: 'The instance of this link.', schema: instanceSchema } },
      problems: ['not-found'],
    },
    async (c, { caller }) => {
      const [ends, directory] = await Promise.all([linkEnds(db, caller.link, caller.role), deps.directory()]);
      if (ends === null) throw new ProblemError('not-found');
      return c.json({
        issuer: issuerOf(directory, ends.receiver),
        caller: issuerOf(directory, ends.sender),
        name: ends.receiverName,
        wireVersion,
        version: deps.version,
      });
    },
  );
  endpoint(
    api,
    {
      method: 'get',
      path: '/v1/catalogue',
      id: 'catalogue',
      summary: 'What this side offers on this link',
      description: 'The names that this side may send, and those that it maps. It has no accounts, teams or people.',
      tags: ['link'],
      answers: { 200: { description: 'The catalogue.', schema: catalogueSchema } },
      problems: ['not-found'],
    },
    async (c, { caller }) => {
      const found = await linkCatalogue(db, cache, caller.link, otherSide(caller.role));
      if (found === null) throw new ProblemError('not-found');
      return c.json(found);
    },
  );
  for (const side of sideNames) sideEndpoints(api, deps, side);
}

function sideEndpoints(api: Api, { db, directory }: ApiDeps, side: SideName): void {
  endpoint(
    api,
    {
      method: 'get',
      path: `/v1/${side}/tickets/{mirror}`,
      id: `${side}Ticket`,
      summary: `The state of the ${side}'s ticket`,
      tags: [side],
      asks: side,
      params: mirrorParams,
      answers: { 200: { description: 'The mirror, as this side sees it.', schema: mirrorSchema } },
      problems: [],
    },
    async (c, { caller, params }) => {
      const found = await mirrorStanding(db, { link: caller.link, to: side, mirror: params.mirror });
      if (found === null) throw new ProblemError('not-found');
      return c.json(found);
    },
  );
  endpoint(
    api,
    {
      method: 'get',
      path: `/v1/${side}/tickets/{mirror}/actions/{id}`,
      id: `${side}Action`,
      summary: `The state of an action at the ${side}`,
      description: 'Outcome, reason code and times, without details of what the desk did.',
      tags: [side],
      asks: side,
      params: actionParams,
      query: actionQuery,
      answers: { 200: { description: 'The state.', schema: wireStanding } },
      problems: [],
    },
    async (c, { caller, params, query }) => {
      const where = { link: caller.link, to: side, mirror: params.mirror };
      const found = await actionStanding(db, where, {
        id: params.id,
        origin: query.origin ?? null,
        directory: await directory(),
      });
      if (found === null) throw new ProblemError('not-found');
      return c.json(found);
    },
  );
  endpoint(
    api,
    {
      method: 'get',
      path: `/v1/${side}/lanes`,
      id: `${side}Lanes`,
      summary: `The last accepted seq of each lane to the ${side}`,
      description: 'To compare both ends after one of them was restored from a backup.',
      tags: [side],
      asks: side,
      query: lanesQuery,
      answers: { 200: { description: 'A page of lanes, by mirror.', schema: lanesSchema } },
      problems: [],
    },
    async (c, { caller, query }) => {
      const { limit, after } = query;
      const lanes = await laneStandings(db, { link: caller.link, to: side, after: after ?? null, limit });
      return c.json({ lanes, next: lanes.length < limit ? null : (lanes.at(-1)?.mirror ?? null) });
    },
  );
}
