/** Makes proofs that we have the key to which our token is bound (RFC 9449). The key lives as long as this process's tokens. */
import { createHash, randomBytes } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { GenerateKeyPairResult, JWK } from 'jose';

export type ProofKey = { readonly pair: GenerateKeyPairResult; readonly jwk: JWK; readonly jkt: string };

export async function makeProofKey(): Promise<ProofKey> {
  const pair = await generateKeyPair('Ed25519');
  const { kty, crv, x } = await exportJWK(pair.publicKey);
  const jwk = { kty, crv, x } as JWK;
  return { pair, jwk, jkt: await calculateJwkThumbprint(jwk, 'sha256') };
}

export type Proved = {
  readonly method: string;
  readonly url: string;
  /** The access token that goes with the request. */
  readonly token: string;
  /** Offset of the peer's clock from ours. Seconds. */
  readonly aheadS: number;
};

export async function proofFor(key: ProofKey, { method, url, token, aheadS }: Proved): Promise<string> {
  const htu = new URL(url);
  htu.search = '';
  htu.hash = '';
  const ath = createHash('sha256').update(token).digest('base64url');
  return new SignJWT({ htm: method, htu: htu.href, ath })
    .setProtectedHeader({ alg: 'Ed25519', typ: 'dpop+jwt', jwk: key.jwk })
    .setJti(randomBytes(16).toString('base64url'))
    .setIssuedAt(Math.floor(Date.now() / 1_000) + aheadS)
    .sign(key.pair.privateKey);
}
