/**
 * Authenticates API requests: the token is ours, its client may call, and the caller has the key to which the token is bound. Looks
 * up client and link for every request, so that a revocation takes effect with the next one. All failures get the same answer,
 * byte for byte.
 */
import { createMiddleware } from 'hono/factory';
import { standingOf } from '#db/links/clients.ts';
import type { Standing } from '#db/links/clients.ts';
import { seeOnce } from '#db/links/seen-jtis.ts';
import { problem } from '#gateway/problems.ts';
import { readAccessToken, TokenError } from './access-token.ts';
import type { TokenClaims } from './access-token.ts';
import type { AuthenticateDeps, Caller } from './deps.ts';
import { checkProof, ProofError } from './dpop.ts';
import { calledUrl } from './issuer.ts';
import { unstored } from './oauth-error.ts';

export type { Caller } from './deps.ts';

export type CallerEnv = { Variables: { caller: Caller } };

type Credentials = { readonly scheme: 'bearer' | 'dpop'; readonly token: string };

export function authenticate(deps: AuthenticateDeps) {
  return createMiddleware<CallerEnv>(async (c, next) => {
    // Two patterns may match the same path, but a proof works only once.
    if ((c.get('caller') as Caller | undefined) !== undefined) return next();
    let caller: Caller;
    let claimed: TokenClaims | null = null;
    try {
      const credentials = credentialsOf(c.req.header('authorization'));
      const claims = await readAccessToken(deps, credentials.token);
      claimed = claims;
      const standing = await standingOf(deps.db, claims.client, claims.jti);
      assertStands(claims, standing);
      await assertHolder(deps, credentials, claims, standing, {
        header: c.req.header('dpop'),
        method: c.req.method,
        url: calledUrl(deps.publicUrl, c.req.url),
      });
      const { link, role, instance, linkState } = standing;
      caller = { client: claims.client, link, role, instance, linkState };
    } catch (error) {
      if (!(error instanceof TokenError || error instanceof ProofError)) throw error;
      deps.refused?.({
        why: error.message,
        who: claimed?.client ?? null,
        ...(claimed === null ? {} : { link: claimed.link }),
      });
      return unauthenticated();
    }
    c.set('caller', caller);
    return next();
  });
}

/** The one answer to callers without a valid token. */
export function unauthenticated(): Response {
  return problem('invalid-token', 'Get a new token from /oauth/token and send it in Authorization.', {
    'www-authenticate': 'Bearer, DPoP',
    ...unstored,
  });
}

/** @throws TokenError */
function credentialsOf(header: string | undefined): Credentials {
  const [, scheme = '', token = ''] = /^(bearer|dpop) +(\S+)$/i.exec(header ?? '') ?? [];
  if (token === '') throw new TokenError('no-token');
  return { scheme: scheme.toLowerCase() === 'dpop' ? 'dpop' : 'bearer', token };
}

/** Finds the caller. @throws TokenError if the client or its link is gone, or the token's claims no longer match them */
function assertStands(claims: TokenClaims, standing: Standing | null): asserts standing is Standing {
  if (standing === null) throw new TokenError('revoked');
  const { instance, link, role } = standing;
  if (instance !== claims.instance || link !== claims.link || role !== claims.role) throw new TokenError('elsewhere');
}

/** Checks the proof. @throws TokenError, ProofError */
async function assertHolder(
  deps: AuthenticateDeps,
  { scheme, token }: Credentials,
  { client, jkt }: TokenClaims,
  { dpop }: Standing,
  request: { readonly header: string | undefined; readonly method: string; readonly url: string },
): Promise<void> {
  if ((jkt !== null) !== (scheme === 'dpop')) throw new TokenError('scheme');
  if (jkt === null) {
    if (dpop === 'required') throw new TokenError('not-bound');
    return;
  }
  const proof = await checkProof({ ...request, now: deps.now?.() ?? new Date(), token: { text: token, jkt } });
  if (!(await seeOnce(deps.db, client, 'proof', proof.jti, proof.expiresAt))) throw new ProofError('replayed');
}
