/** The facts that a check found, compared with the known ones. They are stored with the instance for all processes that drive it. */
import type { Facts, Finding } from '#connectors/contract/check.ts';
import { relearn } from '#db/operate/learned.ts';
import { change, changed, unchanged } from '#operate/change.ts';
import type { Operator } from '#operate/operator.ts';

/** All facts of findings, including names of ours. */
export function factsOf(findings: readonly Finding[]): Facts {
  return Object.assign({}, ...findings.map(({ facts, own }) => ({ ...facts, ...own }))) as Facts;
}

/** Returns the facts after a check; facts that it could not find keep their value. Null if nothing is new. */
export function learnt(before: Facts, found: Facts): Facts | null {
  const isNew = Object.entries(found).some(([name, value]) => before[name] !== value);
  return isNew ? { ...before, ...found } : null;
}

/** Describes the facts that changed. */
export function differencesOf(before: Facts, found: Facts): readonly string[] {
  return Object.entries(found).flatMap(([name, value]) => {
    const known = before[name];
    return known === undefined || known === value ? [] : [`${name} was ${String(known)} and is ${String(value)}`];
  });
}

/** Makes the finding for people. Its facts contain no names, because reports may not. */
export async function keepLearnt(
  operator: Pick<Operator, 'db' | 'actor'>,
  instance: string,
  findings: readonly Finding[],
): Promise<Finding> {
  const found = factsOf(findings);
  let before: Facts = {};
  let isNew = false;
  await change(operator, async (tx) => {
    await relearn(tx, instance, (known) => {
      before = known;
      const next = learnt(known, found);
      isNew = next !== null;
      return next;
    });
    const entry = { what: 'check-learned', subject: `instances/${instance}`, detail: { before, found } };
    return isNew ? changed(null, entry) : unchanged(null);
  });
  const name = 'learned';
  const differences = differencesOf(before, found);
  if (!isNew) return { name, verdict: 'ok', saw: 'nothing new' };
  const used = 'Ferry uses it from now on, unless an option overrides it';
  if (differences.length === 0) return { name, verdict: 'ok', saw: `${Object.keys(found).length} facts; ${used}` };
  return { name, verdict: 'ok', saw: `${differences.join('; ')}; ${used}` };
}
