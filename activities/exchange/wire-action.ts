/** Builds an action for another gateway, signed by its origin. */
import { createHash } from 'node:crypto';
import { canonicalConstant } from '#core/log/constant.ts';
import { isSignedBy, signerOf } from '#protocols/ferry/provenance.ts';
import { actionToSend, constantToSend, type Built } from '#core/conversation/to-wire.ts';
import { instanceOf, type Directory } from '#core/words/directory.ts';
import type { Outgoing } from '#core/conversation/send.ts';
import type { ConstantPart } from '#core/words/vocabulary.ts';
import type { WireAction } from '#core/wire.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import { loadDirectory } from '#db/exchange/directory.ts';
import { keysOf } from '#db/exchange/origin-keys.ts';
import type { WorkDeps } from '#activities/deps.ts';

/** `hash`: SHA-256 of the constant part, hex. */
export type BuiltAction =
  | Exclude<Built, { kind: 'action' }>
  | { readonly kind: 'action'; readonly action: WireAction; readonly hash: string };

export async function buildAction(
  deps: WorkDeps,
  context: DeliveryContext,
  outgoing: Outgoing,
  directory: Directory,
): Promise<BuiltAction> {
  const { constant, text } = constantToSend(context, outgoing, directory);
  const signature = await signatureOf(deps, context, constant.origin, text, directory);
  const built = actionToSend(context, outgoing, directory, constant, signature);
  if (built.kind === 'beyond') return built;
  return { ...built, hash: createHash('sha256').update(text).digest('hex') };
}

/** Signs what is ours; passes on a foreign origin's signature with its key, if we have them. */
async function signatureOf(
  deps: WorkDeps,
  { action }: DeliveryContext,
  origin: string,
  text: string,
  directory: Directory,
): Promise<Pick<WireAction, 'signature' | 'key'>> {
  const instance = instanceOf(directory, origin);
  if (directory.own.has(instance)) return deps.signer.sign(instance, origin, text);
  if (action.signature === null) return {};
  const kid = signerOf(action.signature)?.kid;
  const known = kid === undefined ? [] : await keysOf(deps.db, origin, kid);
  for (const { key } of known) {
    const { x } = key;
    if (kid === undefined || typeof x !== 'string' || !(await isSignedBy(text, action.signature, key))) continue;
    return { signature: action.signature, key: { kty: 'OKP', crv: 'Ed25519', x, kid } };
  }
  return { signature: action.signature };
}

/** Re-signs an action that was promised before its key was retired, with the current key; the content is the same. */
export async function signedAgain(deps: WorkDeps, action: WireAction): Promise<WireAction> {
  const { constant, signature } = action;
  const signer = signature === undefined ? null : signerOf(signature);
  if (signer === null || signer.issuer !== constant.origin) return action;
  const directory = await loadDirectory(deps.db, deps.publicUrl ?? '');
  const instance = instanceOf(directory, constant.origin);
  if (!directory.own.has(instance)) return action;
  return {
    ...action,
    ...(await deps.signer.sign(instance, constant.origin, canonicalConstant(constant as ConstantPart))),
  };
}
