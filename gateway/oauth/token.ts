/** `POST /oauth/token`: issues an access token for five minutes in exchange for client credentials. */
import type { Context } from 'hono';
import type { ClientRow } from '#db/links/clients.ts';
import { seeOnce } from '#db/links/seen-jtis.ts';
import { makeAccessToken } from './access-token.ts';
import { authenticateClient } from './client-auth.ts';
import type { ClientAuthDeps } from './client-auth.ts';
import { tokenTtlS } from './deps.ts';
import { checkProof, ProofError } from './dpop.ts';
import { readForm } from './form.ts';
import { calledUrl, issuerUrl } from './issuer.ts';
import { OAuthError, unstored } from './oauth-error.ts';

/** Issues it. @throws OAuthError */
export async function giveToken(c: Context, deps: ClientAuthDeps): Promise<Response> {
  const form = await readForm(c);
  const grant = form.get('grant_type');
  if (grant === undefined) throw new OAuthError('invalid_request', 'no-grant-type');
  if (grant !== 'client_credentials') throw new OAuthError('unsupported_grant_type', 'grant-type');
  const client = await authenticateClient(c, form, deps);
  const wait = (await deps.clients?.token(client.id)) ?? null;
  if (wait !== null) throw new OAuthError('slow_down', 'too-many-requests', { 'retry-after': String(wait) });
  if (form.has('scope')) throw new OAuthError('invalid_scope', 'scope');
  const resource = form.get('resource');
  if (resource !== undefined && resource !== issuerUrl(deps.publicUrl, client.instance))
    throw new OAuthError('invalid_target', 'resource');
  const jkt = await boundKey(c, client, deps);
  const token = await makeAccessToken(deps, client, jkt);
  deps.log?.info({ event: 'authn_token_created', client: client.id, bound: jkt !== null }, 'a client received a token');
  return Response.json(
    { access_token: token, token_type: jkt === null ? 'Bearer' : 'DPoP', expires_in: tokenTtlS },
    { headers: unstored },
  );
}

/** Returns the key to which the token is bound, if the client proves one and binding is on. */
async function boundKey(c: Context, client: ClientRow, deps: ClientAuthDeps): Promise<string | null> {
  const header = c.req.header('dpop');
  if (client.dpop === 'off' || (client.dpop === 'optional' && header === undefined)) return null;
  try {
    const url = calledUrl(deps.publicUrl, c.req.url);
    const proof = await checkProof({ header, method: c.req.method, url, now: deps.now?.() ?? new Date() });
    if (await seeOnce(deps.db, client.id, 'proof', proof.jti, proof.expiresAt)) return proof.jkt;
    throw new ProofError('replayed');
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    throw new OAuthError('invalid_dpop_proof', error.message);
  }
}
