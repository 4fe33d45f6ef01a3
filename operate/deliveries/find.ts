/** Finds the delivery that the caller names, or says why the verb can't act on it. */
import { linkOfDelivery, type Operated } from '#db/operate/operate.ts';
import { isUuid } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';

/** Returns the link that it belongs to. @throws Refused not-an-id, unknown-delivery */
export async function linkOfNamed({ db }: Pick<Operator, 'db'>, id: string): Promise<string> {
  if (!isUuid(id))
    throw new Refused(
      'not-an-id',
      'wrong',
      `"${id}" is not the id of a delivery; ferry status and ferry trace show the ids`,
    );
  const link = await linkOfDelivery(db, id);
  if (link === null) throw refusal(id, 'unknown');
  return link;
}

export function refusal(id: string, why: Extract<Operated, { done: false }>['why']): Refused {
  const text = {
    unknown: `there is no delivery ${id}; ferry status and ferry trace show the ids`,
    ended: `the delivery ${id} has already ended; ferry trace shows it`,
    'not-held': `the delivery ${id} is not held; it will be delivered without help. To discard it, use ferry skip`,
  }[why];
  return why === 'unknown' ? new Refused('unknown-delivery', 'unknown', text) : new Refused(why, 'state', text);
}
