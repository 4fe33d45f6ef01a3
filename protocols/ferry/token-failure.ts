/** Why there is no token, in the classes that the courier knows. Asking for a token changes nothing, so none is in doubt. */
import * as oauth from 'oauth4webapi';
import { pauseOf } from '#core/words/retry.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';

export function tokenFailure(error: unknown, issuer: string): HelpdeskError {
  if (error instanceof HelpdeskError) {
    if (error.class !== 'in-doubt') return error;
    return new HelpdeskError('retry', error.code, `No token from ${issuer}: the request was cut off.`, {
      cause: error,
    });
  }
  if (error instanceof oauth.ResponseBodyError || error instanceof oauth.WWWAuthenticateChallengeError) {
    const said = error instanceof oauth.ResponseBodyError ? safeCode(error.error) : 'a challenge';
    if (error.status === 429) return slowDown(issuer, error.response);
    if (error.status >= 500) return down(issuer, error.response);
    return new HelpdeskError(
      'auth',
      'client-refused',
      `${issuer} gives us no token (${said}). Rotate the link's credentials, or ask the other side whether it has revoked them.`,
    );
  }
  if (error instanceof oauth.OperationProcessingError) {
    const response = error.cause instanceof Response ? error.cause : null;
    if (error.code === oauth.JSON_ATTRIBUTE_COMPARISON)
      return new HelpdeskError(
        'refused',
        'issuer-mismatch',
        `What ${issuer} says of itself names another issuer. Ask the other side to correct its public URL.`,
      );
    if (response?.status === 429) return slowDown(issuer, response);
    if (response !== null && response.status >= 500) return down(issuer, response);
    if (response?.status === 404)
      return new HelpdeskError(
        'refused',
        'no-issuer',
        `${issuer} is not known at its gateway. Check the issuer's URL.`,
      );
    return new HelpdeskError('retry', 'bad-answer', `${issuer} did not answer as an authorization server does.`);
  }
  return new HelpdeskError('retry', 'bad-answer', `No token from ${issuer}: what it answered can't be used.`);
}

/** The credentials may be right: what they are proved with was dated by a clock that the peer does not share. */
export function clockDiffers(issuer: string, aheadS: number): HelpdeskError {
  const apart =
    aheadS === 0
      ? 'One of the two clocks has just been set'
      : `Its clock is ${Math.abs(aheadS)} seconds ${aheadS > 0 ? 'ahead of' : 'behind'} ours`;
  return new HelpdeskError(
    'retry',
    'clock-differs',
    `${issuer} refuses what we sign, because of its date. ${apart}. Let both sides set their clocks by NTP.`,
  );
}

function slowDown(issuer: string, response: Response): HelpdeskError {
  return new HelpdeskError('slow-down', 'token-endpoint-busy', `${issuer} asks us to wait before the next token.`, {
    retryAfterMs: pauseOf(response.headers.get('retry-after') ?? undefined, Date.now()) ?? 60_000,
  });
}

function down(issuer: string, response: Response): HelpdeskError {
  const wait = pauseOf(response.headers.get('retry-after') ?? undefined, Date.now());
  return new HelpdeskError(
    'retry',
    'token-endpoint-down',
    `${issuer} gives out no token: it answers ${response.status}.`,
    wait === undefined ? {} : { retryAfterMs: wait },
  );
}

/** The other side's word, if it is one: anything else could hold anything. */
function safeCode(code: string): string {
  return /^[a-z_]{1,40}$/.test(code) ? code : 'no reason that can be read';
}
