/**
 * The authorization server: one issuer per instance, and one grant, client credentials (RFC 6749 §4.4). Clients authenticate with
 * a secret or a signature and get a JWT for five minutes (RFC 9068), bound to their own key if they wish or the link requires it
 * (RFC 9449). A token is for one instance, one link and one role.
 */
import { Hono } from 'hono';
import type { Context } from 'hono';
import { problem } from '#gateway/problems.ts';
import type { ClientAuthDeps } from './client-auth.ts';
import { createClientKeys } from './client-keys.ts';
import type { OAuthDeps } from './deps.ts';
import { createFailures } from './failures.ts';
import { formLimit } from './form.ts';
import { metadataPaths } from './issuer.ts';
import { metadataOf, published } from './metadata.ts';
import { OAuthError, oauthErrorResponse } from './oauth-error.ts';
import { revokeToken } from './revoke.ts';
import { giveToken } from './token.ts';

export type { OAuthDeps } from './deps.ts';

export function oauthRoutes(deps: OAuthDeps): Hono {
  const date = deps.now;
  const now = date === undefined ? (): number => performance.now() : (): number => date().getTime();
  const inside: ClientAuthDeps = {
    ...deps,
    keysOf: createClientKeys({ db: deps.db, fetchJson: deps.fetchJson, now, ...deps.clientKeys }),
    failures: createFailures({ now }),
  };
  const routes = new Hono();

  for (const path of metadataPaths(deps.publicUrl)) {
    routes.get(path, async (c) => {
      const instance = c.req.param('instance') ?? '';
      if ((await deps.keys.published(instance)) === null) return problem('not-found');
      return c.json(metadataOf(deps.publicUrl, instance), 200, published);
    });
    routes.all(path, () => notAllowed('GET, HEAD'));
  }
  routes.get('/i/:instance/jwks.json', async (c) => {
    const keys = await deps.keys.published(c.req.param('instance'));
    return keys === null ? problem('not-found') : c.json({ keys: [...keys] }, 200, published);
  });
  routes.all('/i/:instance/jwks.json', () => notAllowed('GET, HEAD'));

  routes.post('/oauth/token', formLimit, (c) => answer(c, inside, giveToken));
  routes.post('/oauth/revoke', formLimit, (c) => answer(c, inside, revokeToken));
  routes.all('/oauth/token', () => notAllowed('POST'));
  routes.all('/oauth/revoke', () => notAllowed('POST'));
  return routes;
}

async function answer(
  c: Context,
  deps: ClientAuthDeps,
  handle: (c: Context, deps: ClientAuthDeps) => Promise<Response>,
): Promise<Response> {
  try {
    return await handle(c, deps);
  } catch (error) {
    if (error instanceof OAuthError) return oauthErrorResponse(error);
    throw error;
  }
}

function notAllowed(allow: string): Response {
  return problem('method-not-allowed', undefined, { allow });
}
