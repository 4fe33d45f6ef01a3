/** Prepares one action for a peer or an API client, or says why it does not leave. */
import { reason } from '#core/words/reasons.ts';
import { issuerOf } from '#core/words/directory.ts';
import type { Outgoing } from '#core/conversation/send.ts';
import type { Reason } from '#core/words/vocabulary.ts';
import type { WireAction } from '#core/wire.ts';
import { loadDirectory } from '#db/exchange/directory.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import type { WorkDeps } from '#activities/deps.ts';
import { endAs, type EndedTurn } from '#activities/carry/end.ts';
import type { Turn } from '#activities/turn.ts';
import type { Stage } from '#activities/carry/stage.ts';
import { whatLeaves } from '#activities/carry/what-leaves.ts';
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

/**
 * @param bring makes the files available to the receiver; its result has placeholders for files that were not accepted
 */
export async function prepare(
  { deps, stage, instance, signal }: ToRemote,
  context: DeliveryContext,
  bring: (outgoing: Outgoing) => Promise<Outgoing>,
): Promise<Prepared> {
  const { mirror, from, to } = context;
  const desk = to.name;
  const stays = (kind: 'skip' | 'hold' | 'refuse', why: Reason): Prepared => ({ kind, reason: why });
  if (mirror.shadow || mirror.mode === 'shadow') return stays('skip', reason('shadow', { desk }));
  if (mirror.state === 'refused') return stays('skip', reason('not-opened', { desk }));
  if (senderTicket(context.from) === null) return stays('hold', reason('dead-head', { desk }));
  const sender = await deps.cache.side(deps.db, `${mirror.link}/${from.side}`, from.settings);
  const leaving = await whatLeaves(deps, stage, context, sender, signal);
  if (leaving.kind !== 'send') return stays(leaving.kind, leaving.reason);
  const directory = await loadDirectory(deps.db, deps.publicUrl ?? '', instance);
  const receiver = issuerOf(directory, instance);
  const { action } = leaving.outgoing;
  if ([action.origin, ...action.via].some((passed) => issuerOf(directory, passed) === receiver)) {
    return stays('skip', reason('origin', { desk }));
  }
  const built = await buildAction(deps, context, await bring(leaving.outgoing), directory);
  if (built.kind === 'beyond') {
    const detail = `It exceeds a limit of the other side (${built.where})`;
    return stays('refuse', reason('refused-by-desk', { desk, detail }));
  }
  return { kind: 'send', action: built.action, hash: built.hash };
}

/** Ends a delivery that does not leave; only the sender's settings decided that. */
export function endStaying(turn: Turn, kind: 'skip' | 'refuse', why: Reason): Promise<EndedTurn> {
  return endAs(turn, kind === 'skip' ? 'skipped' : 'refused', why, {
    versions: { outbound: turn.context.from.settings },
  });
}
