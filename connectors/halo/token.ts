/** Halo's access token: how Halo gives one, and what its refusals mean for the one that is kept. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { HttpClient } from '#connectors/contract/http.ts';
import { parseJson } from '#connectors/kit/json.ts';
import { keepToken } from '#connectors/kit/token.ts';
import type { Lived } from '#connectors/kit/token.ts';
import { signInOf } from './address.ts';
import { tokenError } from './errors.ts';
import { authInfo, decode, tokenReply } from './wire.ts';
import type { HaloCredentials } from './wire.ts';

export type Tokens = {
  /** A token that should work. Throws HelpdeskError. */
  get(signal: AbortSignal): Promise<string>;
  /** Halo refused this one. True: `get` has another one to try; false: a new one was refused too, so it is not the token. */
  refused(token: string): boolean;
  /** What the last token may do, as Halo says; null where it does not say, or there is none yet. */
  granted(): readonly string[] | null;
};

type Token = Lived & { readonly value: string };

/** After a refusal no other token is asked for again this long, so that wrong credentials make no hot loop. */
const pauseMs = 30_000;
const marginMs = 60_000;
const timeoutMs = 15_000;

export function createTokens(
  http: HttpClient,
  baseUrl: string,
  credentials: HaloCredentials,
  scope: string,
  now: () => number = () => performance.now(),
): Tokens {
  /** The last one, unless it was refused. */
  let last: Token | null = null;
  let failed: { readonly error: HelpdeskError; readonly until: number } | null = null;
  let renewedAt = -Infinity;
  let granted: readonly string[] | null = null;
  let endpoint: { readonly url: string; readonly tenant: string | undefined } | null = null;

  async function discover(): Promise<NonNullable<typeof endpoint>> {
    if (credentials.authUrl !== undefined) return { url: credentials.authUrl, tenant: credentials.tenant };
    const what = 'Reading where to sign in';
    const reply = await http.request({
      method: 'GET',
      url: `${baseUrl}/api/authinfo`,
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (reply.status >= 400 && reply.status < 500 && reply.status !== 429)
      throw new HelpdeskError(
        'refused',
        'no-authinfo',
        `${what}: ${baseUrl}/api/authinfo answered ${reply.status}. Correct \`url\`: it is the address of Halo's pages. Where Halo shows that page to nobody, set the credentials \`authUrl\` and \`tenant\`.`,
      );
    if (reply.status !== 200)
      throw new HelpdeskError('retry', 'no-authinfo', `${what}: Halo answered ${reply.status}.`);
    const options = { what, write: false };
    const info = decode(authInfo, parseJson(reply, options), options);
    return { url: info.auth_url, tenant: credentials.tenant ?? info.tenant_id ?? undefined };
  }

  async function request(): Promise<Token> {
    endpoint ??= await discover();
    const url = URL.parse(`${signInOf(endpoint.url)}/token`);
    if (url === null)
      throw new HelpdeskError(
        'refused',
        'bad-sign-in-address',
        'Signing in: where Halo says that one signs in is no address. Set the credential `authUrl`.',
      );
    if (endpoint.tenant !== undefined) url.searchParams.set('tenant', endpoint.tenant);
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: credentials.clientId,
      client_secret: credentials.clientSecret,
      scope,
    });
    const reply = await http
      .request({
        method: 'POST',
        notAfter: null,
        url: url.href,
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: form.toString(),
        // Several callers may be waiting: none of them may take it away from the others.
        signal: AbortSignal.timeout(timeoutMs),
        timeoutMs,
      })
      .catch((error: unknown) => {
        // Asking for a token changes nothing.
        if (!(error instanceof HelpdeskError) || error.class !== 'in-doubt') throw error;
        throw new HelpdeskError('retry', error.code, 'Signing in to Halo got no answer.');
      });
    if (reply.status < 200 || reply.status >= 300) throw tokenError(reply);
    const options = { what: 'Signing in', write: false };
    const { access_token, expires_in, scope: given } = decode(tokenReply, parseJson(reply, options), options);
    granted = given?.split(/[\s,]+/).filter((one) => one !== '') ?? null;
    return { value: access_token, until: now() + Math.max(5_000, (expires_in ?? 3600) * 1000 - marginMs) };
  }

  const keeper = keepToken(async () => {
    if (failed !== null && now() < failed.until) throw failed.error;
    try {
      last = await request();
      failed = null;
      return last;
    } catch (error) {
      // It may have moved.
      endpoint = null;
      if (error instanceof HelpdeskError && error.class === 'auth') failed = { error, until: now() + pauseMs };
      throw error;
    }
  }, now);

  return {
    get: async (signal) => (await untilAborted(keeper.get(), signal)).value,
    refused(value) {
      if (last?.value !== value) return true;
      // It may work for other requests, where this one lacks a scope: it is kept, and no other one asked for.
      if (now() - renewedAt < pauseMs) return false;
      keeper.forget(last);
      last = null;
      renewedAt = now();
      return true;
    },
    granted: () => granted,
  };
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new HelpdeskError('retry', 'aborted', 'Signing in to Halo was given up.'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
