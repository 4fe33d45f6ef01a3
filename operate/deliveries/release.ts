/** Releases a held delivery. */
import { releaseDelivery } from '#db/operate/operate.ts';
import { change, changed } from '#operate/change.ts';
import type { Operator } from '#operate/operator.ts';
import { allow, inReach } from '#operate/rights.ts';
import { linkOfNamed, refusal } from './find.ts';

/** Returns the instance that receives it. @throws Refused not-an-id, unknown-delivery, ended, not-held */
export async function release(operator: Operator, id: string): Promise<string> {
  allow(operator, 'release');
  const link = await linkOfNamed(operator, id);
  inReach(operator, link);
  const to = await change(operator, async (tx) => {
    const done = await releaseDelivery(tx, id);
    if (!done.done) throw refusal(id, done.why);
    return changed(done.to, {
      what: 'release',
      subject: `deliveries/${id}`,
      detail: { link, to: done.to, heldFor: done.before.reason?.code ?? null },
    });
  });
  await operator.wake([to]);
  return to;
}
