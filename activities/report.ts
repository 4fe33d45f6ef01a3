/** Reports each attempt to carry a delivery to observers outside. Called after its commit. */
import { instantOfId, type AttemptResult } from '#core/words/attempt.ts';
import type { Reason } from '#core/words/vocabulary.ts';
import type { Turn } from './turn.ts';

export function report(
  { deps, context, startedMs }: Omit<Turn, 'lane'>,
  result: AttemptResult,
  why: Reason | null,
): void {
  const { delivery, mirror, action, from, to, now } = context;
  const ms = Math.round(performance.now() - startedMs);
  const loggedAt = instantOfId(delivery.id);
  deps.report({
    link: mirror.link,
    mirror: mirror.id,
    delivery: delivery.id,
    kind: delivery.kind,
    escalation: delivery.escalation,
    from: from.instance,
    fromTicket: from.number ?? from.ticketId,
    to: to.instance,
    toTicket: to.number ?? to.ticketId,
    result,
    reason: why?.code ?? null,
    attempt: delivery.attempts + 1,
    ms,
    waitedMs: loggedAt === null ? ms : Math.max(ms, Date.parse(now) - loggedAt + ms),
    trace: action.trace ?? action.id.replaceAll('-', ''),
  });
}
