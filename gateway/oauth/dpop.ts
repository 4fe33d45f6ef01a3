/**
 * Verifies proofs that the caller has the key to which a token is bound (RFC 9449 §4.3). Of its twelve checks, the one for a nonce
 * is unnecessary: this server issues none, because each proof works only once and only within a minute of its time.
 */
import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import type { JWK, JWTPayload } from 'jose';
import { clockToleranceS } from './deps.ts';

/** The asymmetric algorithms that clients are likely to have; `EdDSA` and `Ed25519` are the same. */
export const proofAlgorithms = ['EdDSA', 'Ed25519', 'ES256'];

export class ProofError extends Error {
  override readonly name = 'ProofError';
}

export type ProofInput = {
  /** The DPoP header; two headers arrive joined by a comma. */
  readonly header: string | undefined;
  readonly method: string;
  /** The request's URL, with the name that the caller knows. */
  readonly url: string;
  readonly now: Date;
  /** The token of the request and the key it is bound to; null at the token endpoint. */
  readonly token?: { readonly text: string; readonly jkt: string };
};

export type Proof = { readonly jkt: string; readonly jti: string; readonly expiresAt: Date };

const longest = 8_192;
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** Checks everything but reuse, which the caller asks the database last. @throws ProofError */
export async function checkProof(input: ProofInput): Promise<Proof> {
  const { header } = input;
  if (header === undefined) throw new ProofError('no-proof');
  if (header.length > longest || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(header)) throw new ProofError('not-one-jwt');
  const { jwk, payload } = await verified(header, input.now);
  const { jti, htm, htu, iat, ath } = payload;
  if (typeof jti !== 'string' || jti === '' || jti.length > 512) throw new ProofError('jti');
  if (typeof htm !== 'string' || htm !== input.method) throw new ProofError('htm');
  if (typeof htu !== 'string' || plainUrl(htu) === null || plainUrl(htu) !== plainUrl(input.url))
    throw new ProofError('htu');
  const now = Math.floor(input.now.getTime() / 1000);
  if (typeof iat !== 'number' || !(Math.abs(now - iat) <= clockToleranceS)) throw new ProofError('iat');
  const jkt = await calculateJwkThumbprint(jwk, 'sha256');
  if (input.token !== undefined) {
    const hash = createHash('sha256').update(input.token.text).digest('base64url');
    if (ath !== hash) throw new ProofError('ath');
    if (jkt !== input.token.jkt) throw new ProofError('other-key');
  }
  return { jkt, jti, expiresAt: new Date((iat + clockToleranceS + 1) * 1000) };
}

async function verified(proof: string, now: Date): Promise<{ readonly jwk: JWK; readonly payload: JWTPayload }> {
  try {
    const { jwk, alg } = decodeProtectedHeader(proof);
    if (typeof jwk !== 'object' || jwk === null || privateMembers.some((member) => Object.hasOwn(jwk, member)))
      throw new ProofError('jwk');
    if (alg === undefined || !proofAlgorithms.includes(alg)) throw new ProofError('alg');
    const key = await importJWK(jwk, alg);
    if (key instanceof Uint8Array) throw new ProofError('jwk');
    const { payload } = await jwtVerify(proof, key, {
      algorithms: proofAlgorithms,
      typ: 'dpop+jwt',
      clockTolerance: clockToleranceS,
      currentDate: now,
    });
    return { jwk, payload };
  } catch (error) {
    if (error instanceof ProofError) throw error;
    throw new ProofError('not-verified', { cause: error });
  }
}

/** Normalises a URL without query and fragment; null if it is not a URL. */
function plainUrl(text: string): string | null {
  const url = URL.parse(text);
  if (url === null) return null;
  url.search = '';
  url.hash = '';
  return url.href;
}
