/** Authenticates the client at the token endpoint, by secret or by signature, but not both. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context } from 'hono';
import { loadClient } from '#db/links/clients.ts';
import type { ClientRow } from '#db/links/clients.ts';
import { assertionType, checkAssertion, claimedClient } from './client-assertion.ts';
import type { ClientKeys } from './client-keys.ts';
import { KeysUnavailable } from './client-keys.ts';
import type { OAuthDeps } from './deps.ts';
import type { Failures } from './failures.ts';
import { socketAddress } from '#gateway/limits/address-of.ts';
import type { Form } from './form.ts';
import { issuerUrl } from './issuer.ts';
import { OAuthError } from './oauth-error.ts';

export const authMethods = ['private_key_jwt', 'client_secret_basic', 'client_secret_post'];

export type ClientAuthDeps = OAuthDeps & { readonly keysOf: ClientKeys; readonly failures: Failures };

type Presented = {
  /** The claimed client; null if the claim is unusable. */
  readonly client: string | null;
  readonly basic: boolean;
  readonly proof: { readonly secret: string } | { readonly assertion: string } | null;
};

const challenge = { 'www-authenticate': 'Basic realm="ferry", charset="UTF-8"' };
/** Compared if a client does not exist, or has no secret. */
const nobody = { hash: createHash('sha256').update('').digest('hex'), expiresAt: null };

/** Authenticates it. @throws OAuthError `invalid_client`, `invalid_request`, `slow_down`, `temporarily_unavailable` */
export async function authenticateClient(c: Context, form: Form, deps: ClientAuthDeps): Promise<ClientRow> {
  const presented = presentedIn(c.req.header('authorization'), form);
  const id = presented.client ?? '';
  const address = (deps.addressOf ?? socketAddress)(c);
  const wait = deps.failures.waitOf(id, address);
  if (wait !== null) throw slowDown(wait);
  const client = id === '' ? null : await loadClient(deps.db, id);
  const why = await refusal(presented, client, deps);
  if (client !== null && why === null) return client;
  const now = deps.failures.add(id, address);
  deps.refused?.({
    why: why ?? 'unknown',
    who: client?.id ?? null,
    ...(client === null ? {} : { link: client.link }),
    from: address,
  });
  if (now !== null) throw slowDown(now);
  throw new OAuthError('invalid_client', why ?? 'unknown', presented.basic ? challenge : {});
}

function slowDown(seconds: number): OAuthError {
  return new OAuthError('slow_down', 'too-many-failures', { 'retry-after': String(seconds) });
}

async function refusal({ proof }: Presented, client: ClientRow | null, deps: ClientAuthDeps): Promise<string | null> {
  if (proof === null) return 'nothing-presented';
  const now = deps.now?.() ?? new Date();
  if ('secret' in proof) return isSecretOf(client, proof.secret, now) ? null : 'wrong-secret';
  if (client === null) return 'unknown-client';
  try {
    return await checkAssertion({ ...deps, now }, client, proof.assertion, issuerUrl(deps.publicUrl, client.instance));
  } catch (error) {
    if (!(error instanceof KeysUnavailable)) throw error;
    throw new OAuthError('temporarily_unavailable', 'keys-unavailable', { 'retry-after': '30' });
  }
}

/** Takes the same time for a client that does not exist as for one that does. */
function isSecretOf(client: ClientRow | null, secret: string, now: Date): boolean {
  const given = createHash('sha256').update(secret).digest();
  const working = (client?.secrets ?? []).filter(
    ({ expiresAt }) => expiresAt === null || Date.parse(expiresAt) > now.getTime(),
  );
  const same = (working.length === 0 ? [nobody] : working).filter(({ hash }) => {
    const expected = Buffer.from(hash, 'hex');
    return expected.length === given.length && timingSafeEqual(given, expected);
  });
  return secret !== '' && same.length > 0;
}

/** Reads the credentials. @throws OAuthError `invalid_request` for two methods at once */
function presentedIn(authorization: string | undefined, form: Form): Presented {
  const [named, secret] = [form.get('client_id') ?? null, form.get('client_secret')];
  const [type, assertion] = [form.get('client_assertion_type'), form.get('client_assertion')];
  const ways = [authorization, secret, assertion ?? type].filter((way) => way !== undefined);
  if (ways.length > 1) throw new OAuthError('invalid_request', 'several-ways');
  if (authorization !== undefined) {
    const basic = basicIn(authorization);
    if (basic === null || (named !== null && named !== basic.client)) return { client: null, basic: true, proof: null };
    return { client: nameOf(basic.client), basic: true, proof: { secret: basic.secret } };
  }
  if (secret !== undefined) return { client: nameOf(named), basic: false, proof: { secret } };
  if (assertion !== undefined && type === assertionType) {
    const claimed = claimedClient(assertion);
    const agree = claimed !== null && (named === null || named === claimed);
    return { client: nameOf(agree ? claimed : null), basic: false, proof: { assertion } };
  }
  return { client: nameOf(named), basic: false, proof: null };
}

/** Decodes both parts, which RFC 6749 §2.3.1 form-encodes before joining them. */
function basicIn(header: string): { readonly client: string; readonly secret: string } | null {
  const [, encoded = ''] = /^basic +([\w+/-]+=*)$/i.exec(header) ?? [];
  const text = Buffer.from(encoded, 'base64').toString();
  const at = text.indexOf(':');
  if (at < 1) return null;
  try {
    const decode = (part: string): string => decodeURIComponent(part.replaceAll('+', ' '));
    return { client: decode(text.slice(0, at)), secret: decode(text.slice(at + 1)) };
  } catch {
    return null;
  }
}

/** Accepts only ids that a database column can store: no NUL and no broken characters. */
function nameOf(claimed: string | null): string | null {
  return claimed !== null && /^[\x21-\x7e]{1,255}$/.test(claimed) ? claimed : null;
}
