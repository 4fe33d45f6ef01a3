/**
 * Stores what a connector learns along the way, such as a limit, with its instance, next to the results of its checks.
 */
import type { Facts } from '#connectors/contract/helpdesk.ts';
import type { Db } from '#db/base/client.ts';
import { learnMore } from '#db/operate/learned.ts';

/**
 * Never throws and never delays anybody: what could not be stored is learned again. @param known what the connector was
 * created with
 */
export function createLearning(db: Db, instance: string, known: Facts): (facts: Facts) => void {
  const kept = new Map(Object.entries(known));
  return (facts) => {
    const fresh = Object.entries(facts).filter(([name, value]) => kept.get(name) !== value);
    if (fresh.length === 0) return;
    for (const [name, value] of fresh) kept.set(name, value);
    learnMore(db, instance, Object.fromEntries(fresh)).catch(() => {
      for (const [name] of fresh) kept.delete(name);
    });
  };
}
