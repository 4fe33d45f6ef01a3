/**
 * Signs and verifies constant parts: a JWS by the action's origin, without its payload, which is the canonical constant part
 * (RFC 7515, appendix F). It can be verified later, and offline.
 */
import { compactVerify, CompactSign, decodeProtectedHeader, importJWK, type JWK } from 'jose';
import type { webcrypto } from 'node:crypto';

export const constantType = 'ferry-constant+jws';

export type SigningKey = { readonly kid: string; readonly key: webcrypto.CryptoKey };

/** `header..signature`. @param text of canonicalConstant(); @param issuer of the origin */
export async function signConstant(text: string, issuer: string, { kid, key }: SigningKey): Promise<string> {
  const jws = await new CompactSign(new TextEncoder().encode(text))
    .setProtectedHeader({ alg: 'EdDSA', typ: constantType, kid, iss: issuer })
    .sign(key);
  const [header = '', , signature = ''] = jws.split('.');
  return `${header}..${signature}`;
}

/** Returns the claimed signer; null if it is not such a signature. */
export function signerOf(signature: string): { readonly kid: string; readonly issuer: string } | null {
  try {
    const { typ, kid, iss } = decodeProtectedHeader(signature) as { typ?: unknown; kid?: unknown; iss?: unknown };
    if (typ !== constantType || typeof kid !== 'string' || typeof iss !== 'string') return null;
    return { kid, issuer: iss };
  } catch {
    return null;
  }
}

/** Says whether the key has signed exactly this text. Never throws. */
export async function isSignedBy(
  text: string,
  signature: string,
  jwk: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const parts = /^([\w-]+)\.\.([\w-]+)$/.exec(signature);
  if (parts === null || signerOf(signature) === null) return false;
  const payload = Buffer.from(text).toString('base64url');
  try {
    const key = await importJWK(jwk as JWK, 'EdDSA');
    await compactVerify(`${parts[1]}.${payload}.${parts[2]}`, key, { algorithms: ['EdDSA', 'Ed25519'] });
    return true;
  } catch {
    return false;
  }
}
