/** Assembles the supplier and customer API, and the document that describes it. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { publicKeys } from '#db/links/keys.ts';
import { keysOf, originStanding } from '#db/exchange/origin-keys.ts';
import { attachmentEndpoints } from './attachment-routes.ts';
import type { CallerEnv } from '#gateway/oauth/authenticate.ts';
import { createCheckSignatures } from './check-signature.ts';
import { askingEndpoints } from './asking.ts';
import type { ApiDeps } from './deps.ts';
import { describeOthers } from './described.ts';
import { createApi, refuseOtherMethods, type Api } from './endpoint.ts';
import { exchangeEndpoints } from './exchange.ts';
import { createRoom } from '#gateway/limits/room.ts';
import { waitingFor } from '#db/exchange/waiting.ts';
import { readingEndpoints } from './reading.ts';
import { webhookEndpoints } from './webhook.ts';

export type { ApiDeps } from './deps.ts';

/** Mounted after the routes that serve their own part of `/v1`: pairing and the link. */
export function apiRoutes(deps: ApiDeps): OpenAPIHono<CallerEnv> {
  return build(deps).app;
}

function build(deps: ApiDeps): Api {
  const api = createApi();
  const checkSignatures = createCheckSignatures({
    keysOf: (origin, kid) => keysOf(deps.db, origin, kid),
    standingOf: (origin, link) => originStanding(deps.db, origin, link),
    ownKey: async (instance, kid) => (await publicKeys(deps.db, instance)).find((key) => key['kid'] === kid) ?? null,
    fetchJson: deps.fetchJson,
    ...(deps.monotonic === undefined ? {} : { now: deps.monotonic }),
  });
  api.app.use('/v1/*', (c, next) => (c.req.path.endsWith('/v1/pairing') ? next() : deps.authenticate(c, next)));
  const room = createRoom({
    most: deps.limits?.waitingActions ?? 0,
    count: (link, to, most) => waitingFor(deps.db, link, to, most),
  });
  exchangeEndpoints(api, { ...deps, room }, checkSignatures);
  askingEndpoints(api, deps);
  readingEndpoints(api, deps);
  attachmentEndpoints(api, deps);
  webhookEndpoints(api, deps);
  describeOthers(api);
  refuseOtherMethods(api);
  return api;
}

const tags = [
  { name: 'supplier', description: "Called by the customer's side." },
  { name: 'customer', description: "Called by the supplier's side." },
  { name: 'attachments', description: 'Files by their SHA-256.' },
  { name: 'link', description: 'The link between two sides.' },
  { name: 'webhook', description: 'For a side without a gateway.' },
  { name: 'oauth', description: 'Tokens.' },
];

/** Builds the document in `docs/openapi.json`, without any running service. */
export function apiDocument(version: string): object {
  const { app } = build({} as ApiDeps);
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'oauth2',
    description: 'A JWT of five minutes, as `Bearer` or bound to a key as `DPoP`.',
    flows: { clientCredentials: { tokenUrl: '/oauth/token', scopes: {} } },
  });
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Ferry: supplier and customer API',
      version,
      description:
        'The API with which two gateways, or a gateway and an API client, exchange tickets. docs/protocol.md specifies it.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/' }],
    tags,
  });
}
