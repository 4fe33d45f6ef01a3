/**
 * Checks that the origin of an action signed its constant part. If the origin has a gateway that Ferry can ask, only its own key
 * set counts. For an origin that Ferry can't ask, the peer that passes the action on may vouch for the key, until the origin
 * itself is paired. Stores nothing: the code that accepts an action stores the key with which it was checked.
 */
import { compactVerify, decodeProtectedHeader, importJWK, type JWK } from 'jose';
import { z } from 'zod';
import { canonicalConstant } from '#core/log/constant.ts';
import { instanceOf, isPlainIssuer, isUnderOurs, issuerOf, type Directory } from '#core/words/directory.ts';
import { reachOf } from '#core/words/reach.ts';
import { reason } from '#core/words/reasons.ts';
import type { ConstantPart, InstanceType, Reason } from '#core/words/vocabulary.ts';
import type { WireAction } from '#core/wire.ts';
import type { OriginKey, OriginStanding, UsedKey } from '#db/exchange/origin-keys.ts';
import { ProblemError } from '#gateway/problems.ts';
import { createKeySets, freshMs, publicKey, type KeySets, type KeySetsDeps } from './key-sets.ts';

export type CheckSignaturesDeps = KeySetsDeps & {
  keysOf(origin: string, kid: string): Promise<readonly OriginKey[]>;
  standingOf(origin: string, link: string): Promise<OriginStanding>;
  /** Returns the key set of one of our instances, by its id. */
  ownKey(instance: string, kid: string): Promise<Readonly<Record<string, unknown>> | null>;
};

/** How long a known key works while its origin's key set can't be read. Milliseconds. */
export const longestUnreadMs = 24 * 60 * 60_000;
/** The most foreign keys for which one link can vouch. */
const mostVouched = 1_000;

export type Checked = {
  /** The faults, by index in the batch; without valid actions. */
  readonly faults: Map<number, Reason>;
  /** The keys with which the valid ones were checked. */
  readonly keys: Map<number, UsedKey>;
};

export type CheckSignatures = (
  directory: Directory,
  sender: Sender,
  actions: readonly WireAction[],
) => Promise<Checked>;

export type Sender = {
  readonly link: string;
  /** The sending instance, by its id here, with its type. */
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

type Checking = {
  readonly deps: CheckSignaturesDeps;
  readonly sets: KeySets;
  readonly directory: Directory;
  readonly sender: Sender;
};
type Found = Omit<UsedKey, 'origin' | 'kid'>;
/** The fault, or the key that was used; null if there is no signature and none is needed. */
type Verdict = { readonly why: string } | { readonly key: UsedKey } | null;

/**
 * Checks a batch. Throws ProblemError `keys-unavailable` if a peer's key set could not be read for too long, and errors of the
 * database.
 */
export function createCheckSignatures(deps: CheckSignaturesDeps): CheckSignatures {
  const sets = createKeySets(deps);
  return async (directory, sender, actions) => {
    const checked: Checked = { faults: new Map(), keys: new Map() };
    for (const [place, action] of actions.entries()) {
      const found = await verdictOn({ deps, sets, directory, sender }, action);
      if (found === null) continue;
      if ('key' in found) checked.keys.set(place, found.key);
      else checked.faults.set(place, reason('bad-signature', { detail: found.why }));
    }
    return checked;
  };
}

async function verdictOn(checking: Checking, action: WireAction): Promise<Verdict> {
  const { directory, sender } = checking;
  const { constant, signature } = action;
  const { origin } = constant;
  if (signature === undefined) {
    if (reachOf(sender.type) !== 'api') return { why: 'It is not signed.' };
    // An API client without keys may send only its own actions.
    return origin === issuerOf(directory, sender.instance) ? null : { why: 'It is not signed by its origin.' };
  }
  const said = headerOf(signature);
  if (said === null) return { why: 'Its header has the wrong format.' };
  if (said.iss !== origin) return { why: 'Somebody other than its origin signed it.' };
  const found = await findKey(checking, action, said.kid);
  if (typeof found === 'string') return { why: found };
  const [protectedHeader = '', , mark = ''] = signature.split('.');
  const payload = Buffer.from(canonicalConstant(constant as ConstantPart)).toString('base64url');
  try {
    await compactVerify(`${protectedHeader}.${payload}.${mark}`, await importJWK(found.key as JWK, 'EdDSA'), {
      algorithms: ['EdDSA', 'Ed25519'],
    });
    return { key: { origin, kid: said.kid, ...found } };
  } catch {
    return { why: 'It does not match the signed text.' };
  }
}

function headerOf(signature: string): z.output<typeof header> | null {
  try {
    return header.parse(decodeProtectedHeader(signature));
  } catch {
    return null;
  }
}

const unknown = 'The key of its origin is unknown.';

/** Returns the key, or the fault. */
async function findKey(checking: Checking, action: WireAction, kid: string): Promise<Found | string> {
  const { deps, directory, sender } = checking;
  const { origin } = action.constant;
  const instance = instanceOf(directory, origin);
  // An action of one of our own desks comes back: only our own keys count.
  if (directory.own.has(instance) && instance !== sender.instance) {
    const key = await deps.ownKey(instance, kid);
    return key === null ? unknown : { key, vouchedBy: null, isConfirmed: false };
  }
  const isKnown = instance !== origin;
  if (!isKnown && isUnderOurs(directory, origin)) return 'It claims to come from an instance that does not exist here.';
  if (!isKnown && !isPlainIssuer(origin)) return "Its origin's name is not a plain URL.";
  const known = await deps.keysOf(origin, kid);
  if (known.some(({ isRetired }) => isRetired)) return 'The key of its origin was retired here.';
  const isPeer = directory.peers.has(instance);
  const standing = await deps.standingOf(origin, sender.link);
  if (isPeer || standing.spokeItself || speaksItself(directory, sender, origin))
    return publishedKey(checking, origin, kid, known, isPeer);
  return vouchedKey(checking, action, kid, known, standing);
}

/** Says whether the origin is at a peer's gateway, which Ferry can ask; a peer may still pass on actions of another desk there. */
function speaksItself(directory: Directory, { instance }: Sender, origin: string): boolean {
  const gateway = URL.parse(origin)?.origin;
  if (URL.parse(directory.peers.get(instance) ?? '')?.origin === gateway) return false;
  return [...directory.peers.values()].some((peer) => URL.parse(peer)?.origin === gateway);
}

/** Uses the origin's current key set, because only that shuts out a key that was stolen from it. */
async function publishedKey(
  { sets }: Checking,
  origin: string,
  kid: string,
  known: readonly OriginKey[],
  isPeer: boolean,
): Promise<Found | string> {
  const kept = known.find(({ vouchedBy }) => vouchedBy === null);
  if (kept !== undefined && kept.ageMs < freshMs) return { key: kept.key, vouchedBy: null, isConfirmed: false };
  const set = await sets.of(origin, kid);
  if (set !== null) {
    const found = set.find((one) => one.kid === kid);
    if (found === undefined) return 'Its origin does not publish that key.';
    if (kept !== undefined && kept.key['x'] !== found.x) return 'Another key of its origin is known by that name.';
    return { key: found, vouchedBy: null, isConfirmed: true };
  }
  if (kept !== undefined && kept.ageMs < longestUnreadMs) return { key: kept.key, vouchedBy: null, isConfirmed: false };
  if (isPeer) throw new ProblemError('keys-unavailable', "The origin's key set can't be read. Send it again later.");
  return "Its origin's key set can't be read.";
}

/** Returns the key of an origin that Ferry can't ask, if the sender vouches for it, now or within the last while. */
async function vouchedKey(
  checking: Checking,
  action: WireAction,
  kid: string,
  known: readonly OriginKey[],
  { vouchedElsewhere, vouched }: OriginStanding,
): Promise<Found | string> {
  const { link } = checking.sender;
  const kept = known.find(({ vouchedBy }) => vouchedBy === link) ?? known[0];
  const brought = publicKey.safeParse(action.key);
  if (!brought.success || brought.data.kid !== kid) {
    if (kept === undefined || kept.ageMs >= longestUnreadMs) return unknown;
    return { key: kept.key, vouchedBy: kept.vouchedBy, isConfirmed: false };
  }
  if (kept !== undefined) {
    if (kept.key['x'] !== brought.data.x) return 'Another key of its origin is known by that name.';
    return { key: kept.key, vouchedBy: kept.vouchedBy, isConfirmed: true };
  }
  if (vouchedElsewhere) return publishedKey(checking, action.constant.origin, kid, known, false);
  if (vouched >= mostVouched) return 'This link has vouched for too many foreign keys.';
  return { key: brought.data, vouchedBy: link, isConfirmed: true };
}
