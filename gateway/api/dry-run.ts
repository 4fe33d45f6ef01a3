/** What the receiving desk would make of actions, by today's settings; nothing of it is kept. */
import type { DecideInput } from '#core/decide.ts';
import type { Action, Reason, SideName } from '#core/vocabulary.ts';
import type { WireAction } from '#core/wire.ts';
import type { Tx } from '#db/client.ts';
import { contextOfAction, type DeliveryContext } from '#db/delivery-context.ts';
import type { LaneKey } from '#db/lanes.ts';
import { viewOf } from '#db/mirrors.ts';
import type { VersionCache } from '#db/settings-in-force.ts';
import type { ApiDeps } from './deps.ts';

export type Decision = {
  readonly id: string;
  readonly verdict: 'apply' | 'skip' | 'refuse' | 'hold';
  readonly reason: Reason | null;
  readonly drops: readonly Reason[];
};

type Asked = { readonly id: string; readonly input: DecideInput };

/** In the transaction that has taken them in: what core is to be asked. `to`: the side that receives. */
export async function questionsOn(
  tx: Tx,
  cache: VersionCache,
  { lane, to, actions }: { readonly lane: LaneKey; readonly to: SideName; readonly actions: readonly WireAction[] },
): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (const action of actions) {
    const context = await contextOfAction(tx, lane, action.constant.id);
    if (context !== null) asked.push(await question(tx, cache, context, to, action));
  }
  return asked;
}

/** After the transaction: deciding reads the notes. */
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

async function question(
  tx: Tx,
  cache: VersionCache,
  context: DeliveryContext,
  to: SideName,
  wire: WireAction,
): Promise<Asked> {
  const { mirror } = context;
  const isSupplier = to === 'supplier';
  const version = isSupplier ? mirror.supplier_settings : mirror.customer_settings;
  const { inbound, account } = await cache.side(tx, `${mirror.link}/${to}`, version);
  const catalogue = await cache.catalogue(
    tx,
    context.delivery.to,
    isSupplier ? context.supplierCatalogue : context.customerCatalogue,
  );
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
    mirror: viewOf(mirror, to),
    inbound,
    account,
    catalogue,
    snapshot: isSupplier ? context.supplierSnapshot : context.customerSnapshot,
    senderName: isSupplier ? mirror.customer_name : mirror.supplier_name,
    now: context.now,
    linkMode: mirror.shadow ? 'shadow' : mirror.mode,
  };
  return { id: constant.id, input };
}
