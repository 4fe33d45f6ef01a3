/** Prepares one action for a peer or an API client, or says why it does not leave. */
import { reason } from '#core/words/reasons.ts';
import { issuerOf, type Directory } from '#core/words/directory.ts';
import type { Outgoing } from '#core/conversation/send.ts';
import type { Reason } from '#core/words/vocabulary.ts';
import type { WireAction } from '#core/wire.ts';
import { loadDirectory } from '#db/exchange/directory.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import type { WorkDeps } from '#activities/deps.ts';
import { endAs, type EndedTurn } from '#activities/carry/end.ts';
import type { Turn } from '#activities/turn.ts';
import type { Stage } from '#activities/carry/stage.ts';
import { leaveDeps, outgoingAction, type LeaveDeps } from '#activities/carry/what-leaves.ts';
import { senderTicket } from '#core/conversation/to-wire.ts';
import { buildAction } from './wire-action.ts';

export type ToRemote = {
  readonly deps: WorkDeps;
  readonly stage: Stage;
  /** The receiving instance. */
  readonly instance: string;
  readonly signal: AbortSignal;
};

export type Prepared =
  | { readonly kind: 'send'; readonly action: WireAction; readonly hash: string }
  | { readonly kind: 'skip' | 'hold' | 'refuse'; readonly reason: Reason };

export type MayLeave =
  | { readonly kind: 'send'; readonly outgoing: Outgoing; readonly directory: Directory }
  | Exclude<Prepared, { readonly kind: 'send' }>;

/** As it may leave for another gateway or tool, by our settings alone. */
export async function mayLeave(
  deps: LeaveDeps & Pick<WorkDeps, 'publicUrl'>,
  instance: string,
  context: DeliveryContext,
  signal: AbortSignal,
): Promise<MayLeave> {
  const { mirror, from, to } = context;
  const desk = to.name;
  if (mirror.shadow || mirror.mode === 'shadow') return { kind: 'skip', reason: reason('shadow', { desk }) };
  if (mirror.state === 'refused') return { kind: 'skip', reason: reason('not-opened', { desk }) };
  if (senderTicket(context.from) === null) return { kind: 'hold', reason: reason('dead-head', { desk }) };
  const sender = await deps.cache.side(deps.db, `${mirror.link}/${from.side}`, from.settings);
  const leaving = await outgoingAction(deps, context, sender, signal);
  if (leaving.kind !== 'send') return { kind: leaving.kind, reason: leaving.reason };
  const directory = await loadDirectory(deps.db, deps.publicUrl ?? '', instance);
  const receiver = issuerOf(directory, instance);
  const { action } = leaving.outgoing;
  if ([action.origin, ...action.via].some((passed) => issuerOf(directory, passed) === receiver)) {
    return { kind: 'skip', reason: reason('origin', { desk }) };
  }
  return { kind: 'send', outgoing: leaving.outgoing, directory };
}

/** @param bring makes the files known to the receiver; what it does not take is a placeholder in what it returns */
export async function prepare(
  { deps, stage, instance, signal }: ToRemote,
  context: DeliveryContext,
  bring: (outgoing: Outgoing) => Promise<Outgoing>,
): Promise<Prepared> {
  const leaving = await mayLeave({ ...leaveDeps(deps, stage), publicUrl: deps.publicUrl }, instance, context, signal);
  if (leaving.kind !== 'send') return leaving;
  const built = await buildAction(deps, context, await bring(leaving.outgoing), leaving.directory);
  if (built.kind === 'beyond') {
    const detail = `It is longer than the other side takes (${built.where})`;
    return { kind: 'refuse', reason: reason('refused-by-desk', { desk: context.to.name, detail }) };
  }
  return { kind: 'send', action: built.action, hash: built.hash };
}

/** Ends a delivery that does not leave; only the sender's settings decided that. */
export function endStaying(turn: Turn, kind: 'skip' | 'refuse', why: Reason): Promise<EndedTurn> {
  return endAs(turn, kind === 'skip' ? 'skipped' : 'refused', why, {
    versions: { outbound: turn.context.from.settings },
  });
}
