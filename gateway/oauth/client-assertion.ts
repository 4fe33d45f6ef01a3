/** Verifies `private_key_jwt` as in draft-ietf-oauth-rfc7523bis: for this issuer only, valid for a minute, used once. */
import { createLocalJWKSet, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { JWK, JWTPayload } from 'jose';
import type { Client } from '#db/base/client.ts';
import type { ClientRow } from '#db/links/clients.ts';
import { seeOnce } from '#db/links/seen-jtis.ts';
import type { ClientKeys } from './client-keys.ts';
import { clockToleranceS } from './deps.ts';

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
export const assertionAlgorithms = ['EdDSA', 'Ed25519', 'ES256', 'PS256', 'RS256'];

const typ = 'client-authentication+jwt';
const longestLifeS = 60;
const longest = 8_192;

export type AssertionDeps = { readonly db: Client; readonly keysOf: ClientKeys; readonly now: Date };

/**
 * Verifies an assertion.
 * @param issuer of the client's instance: the only audience
 * @returns why it is not accepted, for our log; null if it is
 * @throws KeysUnavailable
 */
export async function checkAssertion(
  deps: AssertionDeps,
  client: ClientRow,
  assertion: string,
  issuer: string,
): Promise<string | null> {
  if (assertion.length > longest || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(assertion)) return 'not-a-jwt';
  if (!isOfType(assertion)) return 'typ';
  let payload: JWTPayload | null = null;
  for (const again of [false, true]) {
    const keys = await deps.keysOf.of(client, again);
    if (keys === null) return 'unknown-key';
    const found = await verifyAssertion(assertion, keys, client.id, issuer, deps.now);
    if (found === 'unknown-key') continue;
    if (typeof found === 'string') return found;
    payload = found;
    break;
  }
  if (payload === null) return 'unknown-key';
  const { aud, exp, iat, jti } = payload;
  if (typeof aud !== 'string') return 'several-audiences';
  if (exp === undefined || iat === undefined || exp <= iat || exp - iat > longestLifeS) return 'lives-too-long';
  if (typeof jti !== 'string' || jti === '' || jti.length > 512) return 'jti';
  const expiresAt = new Date((exp + clockToleranceS + 1) * 1000);
  return (await seeOnce(deps.db, client.id, 'assertion', jti, expiresAt)) ? null : 'replayed';
}

/** Reads the claimed client from an assertion that is not verified yet. */
export function claimedClient(assertion: string): string | null {
  try {
    const [, payload = ''] = assertion.split('.', 2);
    const { sub } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { readonly sub?: unknown };
    return typeof sub === 'string' ? sub : null;
  } catch {
    return null;
  }
}

/** The draft requires a type, but asks servers to accept assertions without one. Another type is a different sort of JWT. */
function isOfType(assertion: string): boolean {
  try {
    const header = decodeProtectedHeader(assertion);
    return header.typ === undefined || header.typ.toLowerCase().replace(/^application\//, '') === typ;
  } catch {
    return false;
  }
}

async function verifyAssertion(
  assertion: string,
  keys: readonly JWK[],
  client: string,
  issuer: string,
  now: Date,
): Promise<JWTPayload | string> {
  try {
    const { payload } = await jwtVerify(assertion, createLocalJWKSet({ keys: [...keys] }), {
      algorithms: assertionAlgorithms,
      issuer: client,
      subject: client,
      audience: issuer,
      maxTokenAge: longestLifeS,
      clockTolerance: clockToleranceS,
      requiredClaims: ['exp', 'iat', 'jti'],
      currentDate: now,
    });
    return payload;
  } catch (error) {
    return error instanceof errors.JWKSNoMatchingKey ? 'unknown-key' : 'not-verified';
  }
}
