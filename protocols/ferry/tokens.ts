/**
 * Gets access tokens for a peer's API: discovers the endpoint from its issuer, asks with a signed assertion, and caches a token
 * until 30 seconds before it expires. Concurrent requests share one token request.
 */
import type { webcrypto } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import type { HttpClient } from '#connectors/contract/http.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { keepToken } from '#connectors/kit/token.ts';
import { makeProofKey, proofFor } from './dpop.ts';
import type { ProofKey } from './dpop.ts';
import { oauthFetch } from './oauth-fetch.ts';
import { createPeerClock } from './peer-clock.ts';
import { clockDiffers, tokenFailure } from './token-failure.ts';

export type TokenSource = {
  /** Returns the headers for one request: `authorization`, and `dpop` if the token is bound. @throws HelpdeskError */
  authorization(method: string, url: string): Promise<Record<string, string>>;
  /** Call it when the peer has answered 401; the next request gets a new token. */
  forget(): void;
  /** * Call it before a request. Pass the Date of a refusal to the returned function, which says whether the clocks explain it; then
   * later signatures are dated by the peer's clock.
   */
  dating(): (date: string | undefined) => boolean;
};

export type TokenSourceOptions = {
  /** Issuer of the peer's instance. */
  readonly issuer: string;
  /** Our client id at the peer. */
  readonly clientId: string;
  /** Returns our current key of the use `client`. */
  readonly signingKey: () => Promise<{ readonly kid: string; readonly key: webcrypto.CryptoKey }>;
  readonly http: HttpClient;
  /** `optional` binds tokens only once the peer asks for it. */
  readonly dpop: 'off' | 'optional' | 'required';
  /** Milliseconds. */
  readonly now?: () => number;
};

type Token = { readonly text: string; readonly key: ProofKey | null; readonly until: number };

const earlierMs = 30_000;
/** The lifetime of a token if the peer does not say. */
const unsaidS = 60;
const metadataAgeMs = 3_600_000;

export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const now = options.now ?? (() => performance.now());
  const issuer = new URL(options.issuer);
  // The guarded client decides whether plain http is allowed, as for every other request.
  const through = {
    [oauth.customFetch]: oauthFetch(options.http),
    [oauth.allowInsecureRequests]: true,
  } as const;
  const clock = createPeerClock();
  let metadata: { readonly at: number; readonly server: oauth.AuthorizationServer } | null = null;
  let isBound = options.dpop === 'required';

  async function discover(): Promise<oauth.AuthorizationServer> {
    if (metadata !== null && now() - metadata.at < metadataAgeMs) return metadata.server;
    const reply = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...through });
    const server = await oauth.processDiscoveryResponse(issuer, reply);
    if (URL.parse(server.token_endpoint ?? '')?.origin !== issuer.origin)
      throw new HelpdeskError(
        'refused',
        'token-endpoint-elsewhere',
        `${issuer.href} names a token endpoint at another origin, which Ferry does not use. Ask the other side to correct its public URL.`,
      );
    metadata = { at: now(), server };
    return server;
  }

  async function request(server: oauth.AuthorizationServer, proofKey: ProofKey | null): Promise<Token> {
    const { kid, key } = await options.signingKey();
    const askedAt = now();
    const client: oauth.Client = { client_id: options.clientId, [oauth.clockSkew]: clock.aheadS() };
    const handle = proofKey === null ? null : oauth.DPoP(client, proofKey.pair);
    const ask = async (): Promise<oauth.TokenEndpointResponse> => {
      const reply = await oauth.clientCredentialsGrantRequest(
        server,
        client,
        oauth.PrivateKeyJwt({ kid, key }),
        {},
        {
          ...through,
          ...(handle === null ? {} : { DPoP: handle }),
        },
      );
      return oauth.processClientCredentialsResponse(server, client, reply);
    };
    let answer: oauth.TokenEndpointResponse;
    try {
      answer = await ask();
    } catch (error) {
      if (handle === null || !oauth.isDPoPNonceError(error)) throw error;
      answer = await ask();
    }
    if (options.dpop === 'required' && answer.token_type !== 'dpop')
      throw new HelpdeskError(
        'auth',
        'token-not-bound',
        `${issuer.href} issues tokens that are not bound to a key, and this link accepts only bound ones. Ask the other side to use a version of its gateway that binds them.`,
      );
    const until = askedAt + (answer.expires_in ?? unsaidS) * 1_000 - earlierMs;
    return { text: answer.access_token, key: answer.token_type === 'dpop' ? proofKey : null, until };
  }

  /** Tries once more if the clocks explain the refusal. */
  async function requestInTime(server: oauth.AuthorizationServer): Promise<Token> {
    const once = async (): Promise<Token> => request(server, isBound ? await makeProofKey() : null);
    const isExplained = clock.sending();
    try {
      return await once();
    } catch (error) {
      if (!isExplained(refusedAt(error))) throw error;
    }
    const isExplainedAgain = clock.sending();
    try {
      return await once();
    } catch (error) {
      throw isExplainedAgain(refusedAt(error)) ? clockDiffers(options.issuer, clock.aheadS()) : error;
    }
  }

  async function fetchToken(): Promise<Token> {
    try {
      const server = await discover();
      try {
        return await requestInTime(server);
      } catch (error) {
        if (isBound || options.dpop === 'off' || !wantsProof(error)) throw error;
        isBound = true;
        return await requestInTime(server);
      }
    } catch (error) {
      metadata = null;
      throw tokenFailure(error, options.issuer);
    }
  }

  const keeper = keepToken(fetchToken, now);

  return {
    async authorization(method, url): Promise<Record<string, string>> {
      const { text, key } = await keeper.get();
      if (key === null) return { authorization: `Bearer ${text}` };
      return {
        authorization: `DPoP ${text}`,
        dpop: await proofFor(key, { method, url, token: text, aheadS: clock.aheadS() }),
      };
    },
    forget: () => keeper.forget(),
    dating: () => clock.sending(),
  };
}

/** The peer's time in its refusal; undefined if it has none. */
function refusedAt(error: unknown): string | null | undefined {
  const isRefusal = error instanceof oauth.ResponseBodyError || error instanceof oauth.WWWAuthenticateChallengeError;
  return isRefusal ? error.response.headers.get('date') : undefined;
}

function wantsProof(error: unknown): boolean {
  if (!(error instanceof oauth.ResponseBodyError)) return false;
  return error.error === 'invalid_dpop_proof' || error.error === 'use_dpop_nonce';
}
