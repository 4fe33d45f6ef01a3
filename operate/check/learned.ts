/** What a check has found out, against what was known: kept with the instance, and used by every process that drives it. */
import type { Facts, Finding } from '#connectors/contract/check.ts';
import { relearn } from '#db/operate/learned.ts';
import { change, changed, unchanged } from '#operate/change.ts';
import type { Operator } from '#operate/operator.ts';

/** All that findings hold, names of ours included. */
export function factsOf(findings: readonly Finding[]): Facts {
  return Object.assign({}, ...findings.map(({ facts, own }) => ({ ...facts, ...own }))) as Facts;
}

/** What is known after a check: what it could not find out stays as it was known. Null where nothing is new. */
export function learnt(before: Facts, found: Facts): Facts | null {
  const isNew = Object.entries(found).some(([name, value]) => before[name] !== value);
  return isNew ? { ...before, ...found } : null;
}

/** In words: what was known otherwise. */
export function differencesOf(before: Facts, found: Facts): readonly string[] {
  return Object.entries(found).flatMap(([name, value]) => {
    const known = before[name];
    return known === undefined || known === value ? [] : [`${name} was ${String(known)} and is ${String(value)}`];
  });
}

/** Gives the finding for people. Names that no report may hold are in none of its facts. */
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
  if (!isNew) return { name, verdict: 'ok', saw: 'nothing that was not known' };
  const used = 'it is used from now on, where no option says otherwise';
  if (differences.length === 0) return { name, verdict: 'ok', saw: `${Object.keys(found).length} facts; ${used}` };
  return { name, verdict: 'ok', saw: `${differences.join('; ')}; ${used}` };
}
