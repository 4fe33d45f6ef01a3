/** The accepting side's half of a pairing: the proof of its identity, and the request itself. */
import { SignJWT } from 'jose';
import type { CryptoKey } from 'jose';
import type { HttpClient } from '#connectors/contract/http.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { wirePaired, type WirePaired, type WirePairing } from '#core/wire.ts';
import { answered, problemOf } from './answers.ts';

export type ProofInput = {
  readonly kid: string;
  readonly key: CryptoKey;
  readonly issuer: string;
  /** Issuer of the inviting side. */
  readonly audience: string;
  readonly codeHash: string;
};

export async function signPairingProof({ kid, key, issuer, audience, codeHash }: ProofInput): Promise<string> {
  return new SignJWT({ code: codeHash })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'ferry-pairing+jwt', kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .sign(key);
}

/** Redeems the code. Throws HelpdeskError with the problem's code (`code-not-valid`, `peer-unreachable`, …). */
export async function handInCode(
  http: HttpClient,
  api: string,
  body: WirePairing,
  signal: AbortSignal,
): Promise<WirePaired> {
  const url = `${api}/v1/pairing`;
  const reply = await http.request({
    method: 'POST',
    notAfter: null,
    url,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
    signal,
    timeoutMs: 30_000,
    maxBytes: 64 * 1024,
  });
  if (reply.status !== 200) throw problemOf(reply, url);
  const paired = answered(reply, url, wirePaired);
  if (paired.issuer === body.issuer)
    throw new HelpdeskError('refused', 'issuer-mismatch', `${url} answered in our own name.`);
  return paired;
}
