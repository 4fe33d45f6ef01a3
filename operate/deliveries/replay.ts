/** Carries a refused delivery again, with today's settings. */
import { replayDelivery } from '#db/operate/replay.ts';
import { change, changed } from '#operate/change.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, inReach } from '#operate/rights.ts';
import { linkOfNamed, refusal } from './find.ts';

/** Returns the instance that receives it. @throws Refused not-an-id, unknown-delivery, not-refused, elsewhere, opens */
export async function replay(operator: Operator, id: string): Promise<string> {
  allow(operator, 'retry');
  const link = await linkOfNamed(operator, id);
  inReach(operator, link);
  const to = await change(operator, async (tx) => {
    const done = await replayDelivery(tx, id);
    if (!done.done)
      throw done.why === 'unknown' ? refusal(id, 'unknown') : new Refused(done.why, 'state', texts[done.why](id));
    return changed(done.to, {
      what: 'retry',
      subject: `deliveries/${id}`,
      detail: { link, to: done.to, refusedFor: done.refused?.code ?? null },
    });
  });
  await operator.wake([to]);
  return to;
}

const texts = {
  'not-refused': (id: string) =>
    `the delivery ${id} was not refused; to retry waiting deliveries, use ferry retry with the name of their instance`,
  elsewhere: (id: string) =>
    `the other side refused the delivery ${id}, and only it can retry it; otherwise send a new action`,
  opens: (id: string) => `the delivery ${id} was an escalation; escalate the ticket again`,
};
