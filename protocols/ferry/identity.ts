/** Who answers at an issuer URL: its metadata, checked to be its own, and its public keys. */
import * as oauth from 'oauth4webapi';
import { cutText } from '#core/text/text.ts';
import type { HttpClient, HttpReply } from '#connectors/contract/http.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';

export type Identity = {
  readonly issuer: string;
  readonly jwksUri: string;
  readonly tokenEndpoint: string;
  readonly jwks: { readonly keys: readonly Record<string, unknown>[] };
};

const timeoutMs = 8_000;
const maxBytes = 256 * 1024;

/**
 * Reads an issuer's identity. Throws HelpdeskError: `issuer-mismatch` if it claims to be another issuer or redirects;
 * `not-ferry` if the answers are not from a gateway; errors of the HTTP client if there is no answer.
 */
export async function readIdentity(http: HttpClient, issuer: string, signal: AbortSignal): Promise<Identity> {
  const url = metadataUrl(issuer);
  const reply = await get(http, url, signal);
  let server: oauth.AuthorizationServer;
  try {
    server = await oauth.processDiscoveryResponse(
      new URL(issuer),
      new Response(reply.text, {
        status: reply.status,
        headers: { 'content-type': reply.headers['content-type'] ?? '' },
      }),
    );
  } catch {
    const said = issuerIn(reply.text);
    throw said !== null && said !== issuer
      ? new HelpdeskError(
          'refused',
          'issuer-mismatch',
          `${url} says that it is ${short(said)} and not ${issuer}. Set FERRY_PUBLIC_URL there to the URL at which others reach it, and make a new code.`,
        )
      : notFerry(url, reply);
  }
  const { jwks_uri: jwksUri, token_endpoint: tokenEndpoint } = server;
  if (jwksUri === undefined || tokenEndpoint === undefined) throw notFerry(url, reply);
  for (const one of [jwksUri, tokenEndpoint])
    if (URL.parse(one)?.origin !== new URL(issuer).origin)
      throw new HelpdeskError(
        'refused',
        'issuer-mismatch',
        `${url} names endpoints at another place, which Ferry does not use.`,
      );
  const keys = await get(http, jwksUri, signal);
  return { issuer, jwksUri, tokenEndpoint, jwks: keysIn(jwksUri, keys) };
}

/** Puts the well-known part between host and path, as RFC 8414 requires. */
export function metadataUrl(issuer: string): string {
  const { origin, pathname } = new URL(issuer);
  return `${origin}/.well-known/oauth-authorization-server${pathname}`;
}

function get(http: HttpClient, url: string, signal: AbortSignal): Promise<HttpReply> {
  return http.request({ method: 'GET', url, headers: { accept: 'application/json' }, signal, timeoutMs, maxBytes });
}

function keysIn(url: string, reply: HttpReply): Identity['jwks'] {
  const value = parsed(reply.text) as { keys?: unknown } | null;
  const keys = Array.isArray(value?.keys) ? value.keys.filter(isPublicKey) : [];
  if (reply.status !== 200 || keys.length === 0) throw notFerry(url, reply);
  return { keys };
}

function isPublicKey(key: unknown): key is Record<string, unknown> {
  return typeof key === 'object' && key !== null && 'kty' in key && !('d' in key) && !('k' in key);
}

function issuerIn(text: string): string | null {
  const value = parsed(text) as { issuer?: unknown } | null;
  return typeof value?.issuer === 'string' ? value.issuer : null;
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

function notFerry(url: string, reply: HttpReply): HelpdeskError {
  return new HelpdeskError(
    'refused',
    'not-ferry',
    `${url} was not answered by a Ferry gateway (status ${reply.status}). Check that the URL leads to the gateway itself and not to a proxy's own page, and that FERRY_PUBLIC_URL there is right.`,
  );
}

function short(text: string): string {
  return cutText(text, 200);
}
