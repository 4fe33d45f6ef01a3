/** Classifies failures to get a token for the courier. None is in doubt, because asking for a token changes nothing. */
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
      `${issuer} refuses us a token (${said}). Rotate the link's credentials, or ask the other side whether it has revoked them.`,
    );
  }
  if (error instanceof oauth.OperationProcessingError) {
    const response = error.cause instanceof Response ? error.cause : null;
    if (error.code === oauth.JSON_ATTRIBUTE_COMPARISON)
      return new HelpdeskError(
        'refused',
        'issuer-mismatch',
        `The metadata of ${issuer} name another issuer. Ask the other side to correct its public URL.`,
      );
    if (response?.status === 429) return slowDown(issuer, response);
    if (response !== null && response.status >= 500) return down(issuer, response);
    if (response?.status === 404)
      return new HelpdeskError(
        'refused',
        'no-issuer',
        `The gateway of ${issuer} does not know it. Check the issuer's URL.`,
      );
    return new HelpdeskError('retry', 'bad-answer', `${issuer} did not answer as an authorization server does.`);
  }
  return new HelpdeskError('retry', 'bad-answer', `No token from ${issuer}: its answer is unusable.`);
}

/** The credentials may be right, but the clock that dated our proof differs from the peer's. */
export function clockDiffers(issuer: string, aheadS: number): HelpdeskError {
  const apart =
    aheadS === 0
      ? 'One of the two clocks has just been set'
      : `Its clock is ${Math.abs(aheadS)} seconds ${aheadS > 0 ? 'ahead of' : 'behind'} ours`;
  return new HelpdeskError(
    'retry',
    'clock-differs',
    `${issuer} refuses our signature because of its date. ${apart}. Both sides should use NTP.`,
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
    `${issuer} issues no token: it answers ${response.status}.`,
    wait === undefined ? {} : { retryAfterMs: wait },
  );
}

/** Returns the other side's error code only if it looks like one, because other text could contain anything. */
function safeCode(code: string): string {
  return /^[a-z_]{1,40}$/.test(code) ? code : 'no readable reason';
}
