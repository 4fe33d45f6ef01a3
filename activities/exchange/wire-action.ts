/** An action as another gateway is told it: its constant part as its origin fixed it, the sender's words beside it. */
import { createHash } from 'node:crypto';
import { signerOf } from '#protocols/ferry/provenance.ts';
import { canonicalConstant } from '#core/log/constant.ts';
import { instanceOf, issuerOf, type Directory } from '#core/words/directory.ts';
import { must } from '#core/words/must.ts';
import { safeName } from '#core/text/safe-name.ts';
import type { Outgoing } from '#core/conversation/send.ts';
import type { ConstantPart } from '#core/words/vocabulary.ts';
import { wireAction, wireLimits, type WireAction, type WireConstant, type WireTicket } from '#core/wire.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import { keyOf } from '#db/exchange/origin-keys.ts';
import type { WorkDeps } from '#activities/deps.ts';

export type Built =
  | { readonly kind: 'action'; readonly action: WireAction; readonly hash: string }
  /** Beyond the limits of the API; `where` names the part. */
  | { readonly kind: 'beyond'; readonly where: string };

/** `after` is set where it is sent. */
export async function buildAction(
  deps: WorkDeps,
  context: DeliveryContext,
  outgoing: Outgoing,
  directory: Directory,
): Promise<Built> {
  const { delivery, action } = context;
  const constant = wireConstantOf(context, outgoing, directory);
  const text = canonicalConstant(constant as ConstantPart);
  const { words } = outgoing.action;
  const candidate = {
    seq: delivery.seq,
    after: 0,
    constant,
    ...(await signatureOf(deps, context, constant.origin, text, directory)),
    words,
    via: [...new Set(outgoing.action.via.map((instance) => issuerOf(directory, instance)))],
    mailed: outgoing.mailed,
    drops: outgoing.drops.slice(0, 100),
    trace: action.trace ?? action.id.replaceAll('-', ''),
    late: delivery.releasedAt !== null,
    ticket: must(senderTicket(context), "the sender's ticket"),
    ...(delivery.escalation
      ? {
          escalation: {
            summary: (outgoing.summary ?? context.from.snapshot?.summary ?? '').slice(0, wireLimits.summary),
            ...(outgoing.requester === undefined ? {} : { requester: outgoing.requester }),
          },
        }
      : {}),
  };
  const checked = wireAction.safeParse(candidate);
  if (!checked.success)
    return { kind: 'beyond', where: must(checked.error.issues[0], 'what is beyond a limit').path.join('.') };
  return { kind: 'action', action: checked.data, hash: createHash('sha256').update(text).digest('hex') };
}

/** What came from elsewhere signed travels on as it came; the rest is what leaves now. */
function wireConstantOf({ action }: DeliveryContext, outgoing: Outgoing, directory: Directory): WireConstant {
  if (action.signed !== null) {
    const signed = JSON.parse(action.signed) as Omit<WireConstant, 'attachments'>;
    return { ...signed, attachments: wireFiles(action.attachments) };
  }
  const { id, origin, author, at, audience, note, attachments } = outgoing.action;
  return {
    id,
    origin: issuerOf(directory, origin),
    author: {
      name: author.name.slice(0, wireLimits.name),
      ...(author.email === undefined ? {} : { email: author.email }),
      role: author.role,
    },
    at,
    audience,
    note,
    attachments: wireFiles(attachments),
  };
}

function wireFiles(files: ConstantPart['attachments']): WireConstant['attachments'] {
  return files.map(({ id, name, type, sizeBytes, inline, sha256 }) => ({
    id,
    name: safeName(name),
    type: type === null ? null : type.slice(0, wireLimits.name),
    sizeBytes: sizeBytes ?? 0,
    inline,
    sha256: must(sha256, 'digest of a staged file'),
  }));
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

/** How the sender's ticket stands; null where there is none yet. */
export function senderTicket({ from }: DeliveryContext): WireTicket | null {
  const { ticketId: id, number, url, snapshot } = from;
  if (id === null) return null;
  return {
    id: id.slice(0, wireLimits.name),
    number: (snapshot?.number || number || id).slice(0, wireLimits.name),
    url: (snapshot?.url ?? url ?? '').slice(0, 2_048),
    closed: snapshot?.closed ?? false,
  };
}
