/** Builds an action for another gateway, signed by its origin. */
import { createHash } from 'node:crypto';
import { signerOf } from '#protocols/ferry/provenance.ts';
import { actionToSend, constantToSend, type Built } from '#core/conversation/to-wire.ts';
import { instanceOf, type Directory } from '#core/words/directory.ts';
import type { Outgoing } from '#core/conversation/send.ts';
import type { WireAction } from '#core/wire.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import { keyOf } from '#db/exchange/origin-keys.ts';
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

/** Ours is signed now; a foreign origin's signature goes along with its key, where we have them. */
async function signatureOf(
  deps: WorkDeps,
  { action }: DeliveryContext,
  origin: string,
  text: string,
  directory: Directory,
): Promise<Pick<WireAction, 'signature' | 'key'>> {
  const instance = instanceOf(directory, origin);
  const isOurs = !instance.includes('://') && !directory.peers.has(instance);
  if (isOurs) {
    const { signature, key } = await deps.signer.sign(instance, origin, text);
    return { signature, key };
  }
  if (action.signature === null) return {};
  const kid = signerOf(action.signature)?.kid;
  const known = kid === undefined ? null : await keyOf(deps.db, origin, kid);
  const x = known?.key['x'];
  return {
    signature: action.signature,
    ...(kid === undefined || typeof x !== 'string' ? {} : { key: { kty: 'OKP', crv: 'Ed25519', x, kid } }),
  };
}
