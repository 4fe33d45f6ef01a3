/** Descriptions of the endpoints of other folders (OAuth, pairing, the link), for the document and for `405`. */
import { z } from '@hono/zod-openapi';
import {
  wireChecked,
  wireChecks,
  wireClose,
  wireErase,
  wireErased,
  wireLink,
  wirePaired,
  wirePairing,
  linkStates,
} from '#core/wire.ts';
import { describe, type Api } from './endpoint.ts';

const pathInstance = z.object({ instance: z.string().min(1).max(255) });
const json = (schema: z.ZodType) => ({ 'application/json': { schema } });

const oauthError = z.object({ error: z.string(), error_description: z.string().optional() });
const credentials = {
  client_id: z.string().max(255).optional(),
  client_secret: z.string().max(255).optional(),
  client_assertion_type: z.string().max(255).optional(),
  client_assertion: z.string().max(8_192).optional(),
};
const grant = z.object({ grant_type: z.literal('client_credentials'), ...credentials });
const revocation = z.object({
  token: z.string().max(4_096),
  token_type_hint: z.string().max(64).optional(),
  ...credentials,
});
const token = z.object({
  access_token: z.string(),
  token_type: z.enum(['Bearer', 'DPoP']),
  expires_in: z.int().min(1),
});

export function describeOthers(api: Api): void {
  describeOAuth(api);
  describe(
    api,
    {
      method: 'post',
      path: '/v1/pairing',
      id: 'pair',
      summary: 'Redeem a one-time code',
      description: 'The only endpoint without a token. The caller sends its identity and receives ours.',
      tags: ['link'],
      body: wirePairing,
      answers: { 200: { description: 'Both sides know each other.', schema: wirePaired } },
      problems: [
        'invalid-pairing',
        'code-not-valid',
        'too-many-guesses',
        'wrong-peer',
        'same-side',
        'url-not-allowed',
        'issuer-mismatch',
        'peer-unreachable',
        'link-taken',
      ],
    },
    true,
  );
  describe(api, {
    method: 'get',
    path: '/v1/link',
    id: 'link',
    summary: 'The state of the link here',
    tags: ['link'],
    answers: { 200: { description: 'State, contact, clock, limits.', schema: wireLink } },
    problems: ['not-found'],
  });
  describe(api, {
    method: 'post',
    path: '/v1/link/checks',
    id: 'check',
    summary: 'Exchange the results of the checks of a pairing',
    tags: ['link'],
    body: wireChecks,
    answers: { 200: { description: 'The results of this side so far.', schema: wireChecked } },
    problems: ['invalid-checks', 'never-paired'],
  });
  describe(api, {
    method: 'post',
    path: '/v1/link/erasures',
    id: 'erase',
    summary: 'Ask to erase actions, or for the state of that request',
    tags: ['link'],
    body: wireErase,
    answers: { 200: { description: 'Whether somebody has decided, and the decision.', schema: wireErased } },
    problems: ['too-many-erasures'],
  });
  describe(api, {
    method: 'post',
    path: '/v1/link/close',
    id: 'close',
    summary: 'End the link',
    tags: ['link'],
    body: wireClose,
    answers: {
      200: {
        description: 'Waiting deliveries are drained, then the link ends.',
        schema: z.object({ state: z.enum(linkStates) }),
      },
    },
    problems: ['not-found'],
  });
}

function describeOAuth({ app }: Api): void {
  const registry = app.openAPIRegistry;
  const tags = ['oauth'];
  registry.registerPath({
    method: 'get',
    path: '/.well-known/oauth-authorization-server/i/{instance}',
    operationId: 'metadata',
    summary: 'Authorization server metadata of an instance (RFC 8414)',
    tags,
    security: [],
    request: { params: pathInstance },
    responses: {
      200: { description: 'The metadata.', content: json(z.looseObject({ issuer: z.string() })) },
      404: { description: 'There is no such instance.' },
    },
  });
  registry.registerPath({
    method: 'get',
    path: '/i/{instance}/jwks.json',
    operationId: 'keys',
    summary: 'Public keys of an instance, of all uses (RFC 7517)',
    tags,
    security: [],
    request: { params: pathInstance },
    responses: {
      200: {
        description: 'The key set.',
        content: json(z.object({ keys: z.array(z.looseObject({ kid: z.string() })) })),
      },
      404: { description: 'There is no such instance.' },
    },
  });
  const failures = {
    400: { description: 'The request is invalid (RFC 6749 §5.2).', content: json(oauthError) },
    401: { description: '`invalid_client`, or a proof that is not accepted.', content: json(oauthError) },
    413: { description: 'The body is larger than a form of these fields can be.' },
    429: { description: 'Too many failed attempts; see Retry-After.', content: json(oauthError) },
    503: { description: 'See Retry-After.' },
  };
  registry.registerPath({
    method: 'post',
    path: '/oauth/token',
    operationId: 'token',
    summary: 'An access token for client credentials (RFC 6749 §4.4)',
    description:
      'The client proves itself with `client_secret_basic`, `client_secret_post` or `private_key_jwt`. The token is valid for five minutes, for one instance, one link and one role.',
    tags,
    security: [],
    request: { body: { required: true, content: { 'application/x-www-form-urlencoded': { schema: grant } } } },
    responses: { 200: { description: 'The token.', content: json(token) }, ...failures },
  });
  registry.registerPath({
    method: 'post',
    path: '/oauth/revoke',
    operationId: 'revoke',
    summary: 'Revoke a token (RFC 7009)',
    tags,
    security: [],
    request: { body: { required: true, content: { 'application/x-www-form-urlencoded': { schema: revocation } } } },
    responses: { 200: { description: 'The token no longer works.' }, ...failures },
  });
}
