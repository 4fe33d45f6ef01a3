/**
 * Builds what leaves a desk on one mirror, with its files staged; the same for a desk of this gateway and for a peer.
 * What a peer or an API client sent was decided on its side and is used unchanged.

 */
import { reason } from '#core/words/reasons.ts';
import { isRemote } from '#core/words/reach.ts';
import type { SideSettings } from '#core/rules/settings.ts';
import type { ThreadEntry } from '#core/text/template.ts';
import type { Action, Attachment, CatalogueKind, ConstantPart } from '#core/words/vocabulary.ts';
import { rememberFiles } from '#db/log/attachments.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import type { WorkDeps } from '#activities/deps.ts';
import type { Outgoing, SendInput, SendResult } from '#core/conversation/send.ts';
import { descriptionImages, readThread, type ThreadDeps } from './escalation-thread.ts';
import { hashWithDigests, withFiles, type Stage } from './stage.ts';

export type Leaving =
  | {
      readonly kind: 'send';
      readonly outgoing: Outgoing;
      /** For relays: the constant part, if it leaves in another form than it was logged. */
      readonly constant?: ConstantPart;
    }
  | Extract<SendResult, { readonly kind: 'skip' | 'hold' }>;

/** Tells whether it came from a peer or an API client on this very link. */
export function isReceived({ from }: DeliveryContext): boolean {
  return isRemote(from.type);
}

/** What outgoingAction needs. A preview passes other functions than the carrier, so that nothing is stored or fetched. */
export type LeaveDeps = ThreadDeps &
  Pick<WorkDeps, 'db' | 'cache' | 'texts'> & {
    readonly stage: Stage;
    /** Keeps what is known of an action's files once they are staged. */
    readonly remember: (action: string, files: readonly Attachment[], hash: string) => Promise<void>;
  };

export function leaveDeps(deps: WorkDeps, stage: Stage): LeaveDeps {
  const { db, cache, texts, desks } = deps;
  return { db, cache, texts, desks, stage, remember: (action, files, hash) => rememberFiles(db, action, files, hash) };
}

/**
 * Builds what leaves for the other side, or tells why nothing leaves.
 * @param sender settings of the sending side
 * @throws HelpdeskError if a file cannot be fetched at the moment
 */
export async function outgoingAction(
  deps: LeaveDeps,
  context: DeliveryContext,
  sender: SideSettings,
  signal: AbortSignal,
): Promise<Leaving> {
  const { author, words } = context.action;
  if (author === null || words === null) return { kind: 'skip', reason: reason('content-expired') };
  const action = actionOf(context, author, words);
  const leaving: SendResult = isReceived(context)
    ? { kind: 'send', outgoing: asReceived(context, action) }
    : await deps.texts.send(await sendInput(deps, context, action, sender, signal));
  if (leaving.kind !== 'send') return leaving;
  const outgoing = await withStaged(deps, context, leaving.outgoing, signal);
  if (context.delivery.escalation || !isAltered(context, author, outgoing.action)) return { kind: 'send', outgoing };
  return { kind: 'send', outgoing, constant: constantOf(outgoing.action) };
}

function asReceived({ action: { opening, mailed, drops } }: DeliveryContext, action: Action): Outgoing {
  return {
    action,
    ...(opening === null ? {} : { summary: opening.summary }),
    ...(opening?.requester === undefined ? {} : { requester: opening.requester }),
    mailed: mailed === true,
    drops: drops ?? [],
  };
}

async function sendInput(
  deps: LeaveDeps,
  context: DeliveryContext,
  action: Action,
  sender: SideSettings,
  signal: AbortSignal,
): Promise<SendInput> {
  const { from, delivery } = context;
  const { snapshot } = from;
  const relayed = delivery.via !== null;
  const senderCatalogue = await deps.cache.catalogue(deps.db, from.instance, from.catalogue);
  const catalogueKind: CatalogueKind | undefined = senderCatalogue.kinds.find(
    (kind) => kind.name === action.words.kind,
  );
  let publicThread: readonly ThreadEntry[] = [];
  let threadAttachments: readonly Attachment[] = [];
  if (delivery.escalation && sender.outbound.includes.publicThread) {
    const thread = await readThread(deps, context, signal);
    publicThread = thread.entries;
    threadAttachments = thread.attachments;
  }
  if (delivery.escalation && sender.outbound.includes.description && snapshot !== null) {
    threadAttachments = [...threadAttachments, ...descriptionImages(snapshot.description)];
  }
  return {
    action,
    ...(relayed ? {} : { visibility: context.action.visibility }),
    side: from.side,
    outbound: sender.outbound,
    snapshot,
    escalation: delivery.escalation,
    catalogueKind,
    senderName: from.name,
    relayed,
    publicThread,
    threadAttachments,
    account: sender.account,
  };
}

/** A relay passes on what left the previous desk, not what was logged there. */
function actionOf({ action, delivery }: DeliveryContext, author: Action['author'], words: Action['words']): Action {
  const logged: ConstantPart = {
    id: action.id,
    origin: action.origin,
    author,
    at: action.at,
    audience: action.audience,
    note: action.note,
    attachments: action.attachments,
  };
  return {
    ...(delivery.constant ?? logged),
    words: delivery.words ?? words,
    via: delivery.via ?? action.via,
    ...(action.sendTo === null ? {} : { sendTo: action.sendTo }),
    ...(action.mailed === null ? {} : { mailed: action.mailed }),
  };
}

/** Stages the files; those that can't come become placeholders. */
async function withStaged(
  deps: LeaveDeps,
  context: DeliveryContext,
  outgoing: Outgoing,
  signal: AbortSignal,
): Promise<Outgoing> {
  if (outgoing.action.attachments.length === 0) return outgoing;
  const staged = await deps.stage(context, outgoing.action.attachments, signal);
  const { action, drops } = withFiles({ ...context.action, note: outgoing.action.note }, staged);
  // An action that came from elsewhere or was relayed keeps its files and its hash.
  if (!isReceived(context) && context.delivery.via === null) {
    const hash = hashWithDigests(context.action, action.attachments);
    await deps.remember(context.action.id, action.attachments, hash);
  }
  return {
    ...outgoing,
    action: { ...outgoing.action, note: action.note, attachments: action.attachments },
    drops: [...outgoing.drops, ...drops],
  };
}

/** Compares what leaves with the log. Files are only counted: until they are staged, the log has no digests of them. */
function isAltered({ action }: DeliveryContext, author: Action['author'], left: Action): boolean {
  return (
    left.note !== action.note ||
    left.audience !== action.audience ||
    left.author.name !== author.name ||
    left.author.email !== author.email ||
    left.author.role !== author.role ||
    left.attachments.length !== action.attachments.length
  );
}

function constantOf({ id, origin, author, at, audience, note, attachments }: Action): ConstantPart {
  return { id, origin, author, at, audience, note, attachments };
}
