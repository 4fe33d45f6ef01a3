/**
 * Whether the constant part of what arrives was signed by its origin. An origin that can speak for itself is believed by
 * its own key set alone; a peer that passes on what a stranger said may vouch for that one's key, until the stranger
 * speaks for itself. Nothing is remembered here: who takes an action in remembers the key that it was checked with.
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
  /** Of an instance of ours, by its id. */
  ownKey(instance: string, kid: string): Promise<Readonly<Record<string, unknown>> | null>;
};

/** For so long a key works that nobody has named again, while its origin's key set can't be read. Milliseconds. */
export const longestUnreadMs = 24 * 60 * 60_000;
/** Keys of strangers that one link can vouch for. */
const mostVouched = 1_000;

export type Checked = {
  /** What is wrong, by place in the batch; what is well is not in it. */
  readonly faults: Map<number, Reason>;
  /** What the others were checked with. */
  readonly keys: Map<number, UsedKey>;
};

export type CheckSignatures = (
  directory: Directory,
  sender: Sender,
  actions: readonly WireAction[],
) => Promise<Checked>;

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

type Checking = {
  readonly deps: CheckSignaturesDeps;
  readonly sets: KeySets;
  readonly directory: Directory;
  readonly sender: Sender;
};
type Found = Omit<UsedKey, 'origin' | 'kid'>;
/** What is wrong, or what it was checked with; null: nothing was signed, and nothing had to be. */
type Verdict = { readonly why: string } | { readonly key: UsedKey } | null;

/**
 * Throws ProblemError `keys-unavailable` where the key set of a peer can't be read for too long, and whatever the
 * database throws.
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
    // A tool without keys speaks for itself and for nobody else.
    return origin === issuerOf(directory, sender.instance) ? null : { why: 'It is not signed by its origin.' };
  }
  const said = headerOf(signature);
  if (said === null) return { why: 'Its header is none of ours.' };
  if (said.iss !== origin) return { why: 'It is signed by another than its origin.' };
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
    return { why: 'It does not fit what it signs.' };
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

/** The key, or what is wrong. */
async function findKey(checking: Checking, action: WireAction, kid: string): Promise<Found | string> {
  const { deps, directory, sender } = checking;
  const { origin } = action.constant;
  const instance = instanceOf(directory, origin);
  // What one of our own desks said comes back: nobody vouches for it but ourselves.
  if (directory.own.has(instance) && instance !== sender.instance) {
    const key = await deps.ownKey(instance, kid);
    return key === null ? unknown : { key, vouchedBy: null, isConfirmed: false };
  }
  const isKnown = instance !== origin;
  if (!isKnown && isUnderOurs(directory, origin)) return 'It is said in the name of an instance that is not here.';
  if (!isKnown && !isPlainIssuer(origin)) return "Its origin's name is not spelled as a URL is.";
  const known = await deps.keysOf(origin, kid);
  if (known.some(({ isRetired }) => isRetired)) return 'The key of its origin was retired here.';
  const isPeer = directory.peers.has(instance);
  const standing = await deps.standingOf(origin, sender.link);
  if (isPeer || standing.spokeItself || speaksItself(directory, sender, origin))
    return publishedKey(checking, origin, kid, known, isPeer);
  return vouchedKey(checking, action, kid, known, standing);
}

/** Its gateway is that of a peer, which can be asked; a peer may still speak for another desk at its own gateway. */
function speaksItself(directory: Directory, { instance }: Sender, origin: string): boolean {
  const gateway = URL.parse(origin)?.origin;
  if (URL.parse(directory.peers.get(instance) ?? '')?.origin === gateway) return false;
  return [...directory.peers.values()].some((peer) => URL.parse(peer)?.origin === gateway);
}

/** What the origin itself says, lately: only that shuts out a key that was stolen from it. */
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

/** A stranger's: by the word of who brings it, each time anew or for a while. */
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
  if (vouched >= mostVouched) return 'This link has vouched for too many keys of others.';
  return { key: brought.data, vouchedBy: link, isConfirmed: true };
}
