/**
 * Whether the constant part of what arrives was signed by its origin. Keys of origins that we are linked with come from
 * their own key sets; a peer that passes on what somebody else said may vouch for that one's key, the first time.
 */
import { compactVerify, decodeProtectedHeader, importJWK, type JWK } from 'jose';
import { z } from 'zod';
import { canonicalConstant } from '#core/log/constant.ts';
import { instanceOf, issuerOf, type Directory } from '#core/words/directory.ts';
import { reachOf } from '#core/words/reach.ts';
import { reason } from '#core/words/reasons.ts';
import type { ConstantPart, InstanceType, Reason } from '#core/words/vocabulary.ts';
import type { WireAction } from '#core/wire.ts';
import { ProblemError } from '#gateway/problems.ts';

export type OriginKey = { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string; readonly kid: string };

export type CheckSignaturesDeps = {
  keyOf(origin: string, kid: string): Promise<Readonly<Record<string, unknown>> | null>;
  /** `vouchedBy` null: the origin's own key set says so. False where another key of that origin and name is known. */
  rememberKey(origin: string, kid: string, key: OriginKey, vouchedBy: string | null): Promise<boolean>;
  /** Whether a key of that origin is known that did not come by this link. */
  knownOtherwise(origin: string, link: string): Promise<boolean>;
  /** Of an instance of ours, by its id. */
  ownKey(instance: string, kid: string): Promise<Readonly<Record<string, unknown>> | null>;
  fetchJson(url: string): Promise<unknown>;
  /** Milliseconds. */
  readonly now?: () => number;
};

/** A key set is read again for an unknown key after this long at most; anybody linked can cause misses. */
const cooldownMs = 10_000;

export type CheckSignatures = (
  directory: Directory,
  sender: Sender,
  actions: readonly WireAction[],
) => Promise<Map<number, Reason>>;

export type Sender = {
  readonly link: string;
  /** The instance that sends, as it is called here, and what stands behind it. */
  readonly instance: string;
  readonly type: InstanceType;
};

const header = z.object({
  alg: z.enum(['EdDSA', 'Ed25519']),
  typ: z.literal('ferry-constant+jws'),
  kid: z.string().min(1).max(255),
  iss: z.string().max(2_048),
  crit: z.undefined().optional(),
});
const publicKey = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().regex(/^[\w-]{43}$/),
  kid: z.string(),
});
const keySet = z.object({ keys: z.array(z.unknown()).max(100) });

type KeySets = { of(origin: string): Promise<readonly OriginKey[] | null> };

/**
 * Returns what is wrong, by place in the batch; what is well is not in it. Throws ProblemError `keys-unavailable` where
 * the key set of a peer can't be read for now, and whatever the database throws.
 */
export function createCheckSignatures(deps: CheckSignaturesDeps): CheckSignatures {
  const sets = createKeySets(deps);
  return async (directory, sender, actions) => {
    const faults = new Map<number, Reason>();
    for (const [place, action] of actions.entries()) {
      const why = await faultOf(deps, sets, directory, sender, action);
      if (why !== null) faults.set(place, reason('bad-signature', { detail: why }));
    }
    return faults;
  };
}

async function faultOf(
  deps: CheckSignaturesDeps,
  sets: KeySets,
  directory: Directory,
  sender: Sender,
  action: WireAction,
): Promise<string | null> {
  const { constant, signature } = action;
  if (signature === undefined) {
    if (reachOf(sender.type) !== 'api') return 'It is not signed.';
    // A tool without keys speaks for itself and for nobody else.
    return constant.origin === issuerOf(directory, sender.instance) ? null : 'It is not signed by its origin.';
  }
  const said = headerOf(signature);
  if (said === null) return 'Its header is none of ours.';
  if (said.iss !== constant.origin) return 'It is signed by another than its origin.';
  const key = await findKey(deps, sets, directory, sender, action, said.kid);
  if (key === null) return 'The key of its origin is unknown.';
  const [protectedHeader = '', , mark = ''] = signature.split('.');
  const payload = Buffer.from(canonicalConstant(constant as ConstantPart)).toString('base64url');
  try {
    await compactVerify(`${protectedHeader}.${payload}.${mark}`, await importJWK(key as JWK, 'EdDSA'), {
      algorithms: ['EdDSA', 'Ed25519'],
    });
    return null;
  } catch {
    return 'It does not fit what it signs.';
  }
}

function headerOf(signature: string): z.output<typeof header> | null {
  try {
    return header.parse(decodeProtectedHeader(signature));
  } catch {
    return null;
  }
}

async function findKey(
  deps: CheckSignaturesDeps,
  sets: KeySets,
  directory: Directory,
  sender: Sender,
  { constant, key }: WireAction,
  kid: string,
): Promise<Readonly<Record<string, unknown>> | null> {
  const { origin } = constant;
  const { link } = sender;
  const own = instanceOf(directory, origin);
  // What one of our own desks said comes back: nobody vouches for it but ourselves.
  if (!own.includes('://') && own !== sender.instance && !directory.peers.has(own)) return deps.ownKey(own, kid);
  const known = await deps.keyOf(origin, kid);
  if (known !== null) return known;
  const isPeer = [...directory.peers.values()].includes(origin);
  if (isPeer || (await deps.knownOtherwise(origin, link))) {
    const published = await sets.of(origin);
    if (published === null && isPeer)
      throw new ProblemError('keys-unavailable', "The origin's key set can't be read. Send it again later.");
    const found = published?.find((one) => one.kid === kid);
    return found !== undefined && (await deps.rememberKey(origin, kid, found, null)) ? found : null;
  }
  const vouched = publicKey.safeParse(key);
  if (!vouched.success || vouched.data.kid !== kid) return null;
  return (await deps.rememberKey(origin, kid, vouched.data, link)) ? vouched.data : null;
}

/** Null where a key set can't be read. */
function createKeySets({ fetchJson, now = () => performance.now() }: CheckSignaturesDeps): KeySets {
  const read = new Map<string, { readonly at: number; readonly keys: Promise<readonly OriginKey[] | null> }>();
  return {
    async of(origin) {
      const last = read.get(origin);
      if (last !== undefined && now() - last.at < cooldownMs) return last.keys;
      if (read.size > 1_000) read.clear();
      const keys = fetchJson(`${origin}/jwks.json`).then(
        (found) =>
          keySet.parse(found).keys.flatMap((one) => {
            const key = publicKey.safeParse(one);
            return key.success ? [key.data] : [];
          }),
        () => null,
      );
      const safe = keys.catch(() => null);
      read.set(origin, { at: now(), keys: safe });
      return safe;
    },
  };
}
