/** Logs that a drain reported a result after another one had taken over; the report changed nothing. */
import type { Turn } from '#activities/turn.ts';

/** @param what the ignored result, for the log */
export function ignored({ deps, context, epoch }: Pick<Turn, 'deps' | 'context' | 'epoch'>, what: string): void {
  const { delivery, mirror, to } = context;
  deps.log.warn(
    { link: mirror.link, mirror: mirror.id, delivery: delivery.id, to: to.instance, epoch, said: what },
    'another drain owns this courier; the result of the earlier one was ignored',
  );
}
