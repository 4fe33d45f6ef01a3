/** Makes and verifies access tokens (RFC 9068). This gateway both issues and accepts them, so it needs no request to others. */
import { randomUUID } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
import type { ClientRow } from '#db/links/clients.ts';
import type { SideName } from '#core/words/vocabulary.ts';
import { clockToleranceS, tokenTtlS } from './deps.ts';
import type { AuthenticateDeps } from './deps.ts';
import { issuerUrl } from './issuer.ts';

/** Makes a token. @param jkt thumbprint of the key it is bound to, if any */
export async function makeAccessToken(
  deps: AuthenticateDeps,
  client: Pick<ClientRow, 'id' | 'link' | 'role' | 'instance'>,
  jkt: string | null,
): Promise<string> {
  const signing = await deps.keys.signing(client.instance);
  if (signing === null) throw new Error(`the instance ${client.instance} has no key that signs tokens`);
  const issuer = issuerUrl(deps.publicUrl, client.instance);
  const now = Math.floor((deps.now?.() ?? new Date()).getTime() / 1000);
  return new SignJWT({
    client_id: client.id,
    link: client.link,
    role: client.role,
    ...(jkt === null ? {} : { cnf: { jkt } }),
  })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: signing.kid })
    .setIssuer(issuer)
    .setAudience(issuer)
    .setSubject(client.id)
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setExpirationTime(now + tokenTtlS)
    .sign(signing.key);
}

export type TokenClaims = {
  readonly client: string;
  readonly link: string;
  readonly role: SideName;
  /** The instance whose key signed it. */
  readonly instance: string;
  readonly jti: string;
  readonly expiresAt: Date;
  /** Thumbprint of the key it is bound to. */
  readonly jkt: string | null;
};

export class TokenError extends Error {
  override readonly name = 'TokenError';
}

/** The longest accepted lifetime, whatever the token says. Seconds. */
const longestAgeS = 15 * 60;
/** Our tokens have about 700 characters. */
const longest = 4_096;
const headerMembers: ReadonlySet<string> = new Set(['alg', 'typ', 'kid']);

/**
 * Verifies that one of our instances signed the token and that it has not expired, and returns its claims. The caller checks
 * whether the client may still call. A token with another algorithm, or with keys in its header, is not ours.
 * @throws TokenError; database errors as they are
 */
export async function readAccessToken(deps: AuthenticateDeps, token: string): Promise<TokenClaims> {
  if (token.length > longest || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) throw new TokenError('not-a-jwt');
  const kid = kidOf(token);
  const signer = await deps.keys.verifying(kid);
  if (signer === null) throw new TokenError('unknown-key');
  const issuer = issuerUrl(deps.publicUrl, signer.instance);
  let payload;
  try {
    ({ payload } = await jwtVerify(token, signer.key, {
      algorithms: ['EdDSA'],
      typ: 'at+jwt',
      issuer,
      audience: issuer,
      maxTokenAge: longestAgeS,
      clockTolerance: clockToleranceS,
      requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id', 'link', 'role'],
      currentDate: deps.now?.() ?? new Date(),
    }));
  } catch (error) {
    throw new TokenError('not-verified', { cause: error });
  }
  const { aud, sub, client_id: client, link, role, jti, exp, iat, cnf } = payload;
  // jose accepts a list of audiences that contains us, but we issue tokens only for one.
  if (typeof aud !== 'string') throw new TokenError('several-audiences');
  if (!isName(client) || client !== sub || !isName(link) || !isName(jti)) throw new TokenError('claims');
  if (role !== 'customer' && role !== 'supplier') throw new TokenError('claims');
  const jkt = cnf === undefined ? null : (cnf as { readonly jkt?: unknown } | null)?.jkt;
  if (jkt !== null && !isName(jkt)) throw new TokenError('claims');
  const end = Math.min(exp ?? 0, (iat ?? 0) + longestAgeS);
  return { client, link, role, instance: signer.instance, jti, expiresAt: new Date(end * 1000), jkt };
}

function kidOf(token: string): string {
  let header;
  try {
    header = decodeProtectedHeader(token);
  } catch {
    throw new TokenError('header');
  }
  if (Object.keys(header).some((member) => !headerMembers.has(member))) throw new TokenError('header');
  const { alg, kid } = header;
  if (alg !== 'EdDSA' || typeof kid !== 'string' || !/^[0-9a-f]{16}$/.test(kid)) throw new TokenError('header');
  return kid;
}

/** Requires text that a database column accepts, so that it can be looked up. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,255}$/.test(value);
}
