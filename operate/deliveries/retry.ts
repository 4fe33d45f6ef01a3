/** Retries at once everything that waits for an instance. */
import { retryInstance } from '#db/operate/operate.ts';
import { change, changed } from '#operate/change.ts';
import { assertInstance } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere } from '#operate/rights.ts';

/** Returns how many lanes wait for it. @throws Refused unknown-instance */
export async function retry(operator: Operator, instance: string): Promise<number> {
  allow(operator, 'retry', everywhere);
  const lanes = await change(operator, async (tx) => {
    const waiting = await retryInstance(tx, instance);
    if (waiting === null) {
      await assertInstance(tx, instance, 'None is set up yet, see ferry apply.');
      throw new Refused('unknown-instance', 'unknown', `nothing is ever carried to the instance "${instance}"`);
    }
    return changed(waiting, { what: 'retry', subject: `instances/${instance}`, detail: { lanes: waiting } });
  });
  await operator.wake([instance]);
  return lanes;
}
