/** What the receiving desk would make of actions, by today's settings; nothing of it is kept. */
import { decide } from '#core/conversation/decide.ts';
import type { Action, Reason } from '#core/words/vocabulary.ts';
import type { WireAction } from '#core/wire.ts';
import type { Tx } from '#db/base/client.ts';
import { contextOfAction, type DeliveryContext } from '#db/carry/delivery-context.ts';
import type { LaneKey } from '#db/carry/lanes.ts';
import { viewOf } from '#db/log/mirrors.ts';
import type { VersionCache } from '#db/settings/settings-in-force.ts';

export type Decision = {
  readonly id: string;
  readonly verdict: 'apply' | 'skip' | 'refuse' | 'hold';
  readonly reason: Reason | null;
  readonly drops: readonly Reason[];
};

/** In the transaction that has taken them in. */
export async function decisionsOn(
  tx: Tx,
  cache: VersionCache,
  { lane, actions }: { readonly lane: LaneKey; readonly actions: readonly WireAction[] },
): Promise<Decision[]> {
  const decisions: Decision[] = [];
  for (const action of actions) {
    const context = await contextOfAction(tx, lane, action.constant.id);
    if (context !== null) decisions.push(await decideOne(tx, cache, context, action));
  }
  return decisions;
}

async function decideOne(tx: Tx, cache: VersionCache, context: DeliveryContext, wire: WireAction): Promise<Decision> {
  const { mirror, from, to } = context;
  const { inbound, account } = await cache.side(tx, `${mirror.link}/${to.side}`, to.settings);
  const catalogue = await cache.catalogue(tx, to.instance, to.catalogue);
  const { constant, escalation } = wire;
  const verdict = decide({
    outgoing: {
      action: {
        ...(constant as Omit<Action, 'words' | 'via'>),
        note: context.action.note,
        origin: context.action.origin,
        words: wire.words as Action['words'],
        via: context.action.via,
      },
      ...(escalation === undefined ? {} : { summary: escalation.summary }),
      ...(escalation?.requester === undefined
        ? {}
        : { requester: escalation.requester as { name: string; email?: string } }),
      mailed: wire.mailed,
      drops: wire.drops,
    },
    escalation: context.delivery.escalation,
    mirror: viewOf(mirror, to.side),
    inbound,
    account,
    catalogue,
    snapshot: to.snapshot,
    senderName: from.name,
    now: context.now,
    linkMode: mirror.shadow ? 'shadow' : mirror.mode,
  });
  return {
    id: constant.id,
    verdict: verdict.kind,
    reason: verdict.kind === 'apply' ? null : verdict.reason,
    drops: verdict.kind === 'apply' ? verdict.drops : [],
  };
}
