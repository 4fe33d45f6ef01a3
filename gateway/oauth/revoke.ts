/** `POST /oauth/revoke` (RFC 7009): revokes a client's own token, and reveals nothing about other tokens. */
import type { Context } from 'hono';
import { seeOnce } from '#db/links/seen-jtis.ts';
import { readAccessToken, TokenError } from './access-token.ts';
import { authenticateClient } from './client-auth.ts';
import type { ClientAuthDeps } from './client-auth.ts';
import { clockToleranceS } from './deps.ts';
import { readForm } from './form.ts';
import { OAuthError, unstored } from './oauth-error.ts';

/** Revokes it. @throws OAuthError */
export async function revokeToken(c: Context, deps: ClientAuthDeps): Promise<Response> {
  const form = await readForm(c);
  const client = await authenticateClient(c, form, deps);
  const token = form.get('token');
  if (token === undefined) throw new OAuthError('invalid_request', 'no-token');
  try {
    const claims = await readAccessToken(deps, token);
    if (claims.client === client.id) {
      const until = new Date(claims.expiresAt.getTime() + (clockToleranceS + 1) * 1000);
      await seeOnce(deps.db, client.id, 'revoked', claims.jti, until);
      deps.log?.info({ event: 'authn_token_revoked', client: client.id }, 'a client revoked a token');
    }
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
  }
  return new Response(null, { status: 200, headers: unstored });
}
