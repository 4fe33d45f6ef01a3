/** Drops a delivery that has not ended. */
import { skipDelivery } from '#db/operate/operate.ts';
import { change, changed } from '#operate/change.ts';
import type { Operator } from '#operate/operator.ts';
import { allow, inReach } from '#operate/rights.ts';
import { linkOfNamed, refusal } from './find.ts';

/** Returns the instance that it was for. @throws Refused not-an-id, unknown-delivery, ended */
export async function skip(operator: Operator, id: string): Promise<string> {
  allow(operator, 'skip');
  const link = await linkOfNamed(operator, id);
  inReach(operator, link);
  const to = await change(operator, async (tx) => {
    const done = await skipDelivery(tx, id);
    if (!done.done) throw refusal(id, done.why);
    return changed(done.to, {
      what: 'skip',
      subject: `deliveries/${id}`,
      detail: { link, to: done.to, held: done.before.held, waitedFor: done.before.reason?.code ?? null },
    });
  });
  await operator.wake([to]);
  return to;
}
