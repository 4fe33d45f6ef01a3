/** A drain that was overtaken has spoken all the same; nothing was changed by it. */
import type { Turn } from '#activities/turn.ts';

/** @param what it said, for whoever reads the log */
export function ignored({ deps, context, epoch }: Pick<Turn, 'deps' | 'context' | 'epoch'>, what: string): void {
  const { delivery, mirror, to } = context;
  deps.log.warn(
    { link: mirror.link, mirror: mirror.id, delivery: delivery.id, to: to.instance, epoch, said: what },
    'another drain has this courier; what an earlier one said was ignored',
  );
}
