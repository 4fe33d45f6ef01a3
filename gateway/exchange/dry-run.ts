/** Decides actions as the receiving desk would with today's settings, and stores nothing. */
import type { Action, Reason } from '#core/words/vocabulary.ts';
import type { WireAction } from '#core/wire.ts';
import type { Tx } from '#db/base/client.ts';
import { contextOfAction, type DeliveryContext } from '#db/carry/delivery-context.ts';
import type { LaneKey } from '#db/carry/lanes.ts';
import { viewOf } from '#db/log/mirrors.ts';
import type { VersionCache } from '#db/settings/settings-in-force.ts';
import type { DecideInput } from '#core/conversation/decide-input.ts';
import type { ApiDeps } from './deps.ts';

export type Decision = {
  readonly id: string;
  readonly verdict: 'apply' | 'skip' | 'refuse' | 'hold';
  readonly reason: Reason | null;
  readonly drops: readonly Reason[];
};

type Asked = { readonly id: string; readonly input: DecideInput };

/** Reads the input of core's decision, in the transaction that has logged the actions. */
export async function questionsOn(
  tx: Tx,
  cache: VersionCache,
  {
    lane,
    actions,
    idOf,
  }: {
    readonly lane: LaneKey;
    readonly actions: readonly WireAction[];
    /** Returns the id of an action in this database. */
    readonly idOf: (action: WireAction) => string;
  },
): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (const action of actions) {
    const context = await contextOfAction(tx, lane, idOf(action));
    if (context !== null) asked.push(await question(tx, cache, context, action));
  }
  return asked;
}

/** Decides, after the transaction, because deciding parses the notes. */
export async function decisionsOf({ texts }: Pick<ApiDeps, 'texts'>, asked: readonly Asked[]): Promise<Decision[]> {
  const decisions: Decision[] = [];
  for (const { id, input } of asked) {
    const verdict = await texts.decide(input);
    decisions.push({
      id,
      verdict: verdict.kind,
      reason: verdict.kind === 'apply' ? null : verdict.reason,
      drops: verdict.kind === 'apply' ? verdict.drops : [],
    });
  }
  return decisions;
}

async function question(tx: Tx, cache: VersionCache, context: DeliveryContext, wire: WireAction): Promise<Asked> {
  const { mirror, from, to } = context;
  const { inbound, account } = await cache.side(tx, `${mirror.link}/${to.side}`, to.settings);
  const catalogue = await cache.catalogue(tx, to.instance, to.catalogue);
  const { constant, escalation } = wire;
  const input: DecideInput = {
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
  };
  return { id: constant.id, input };
}
