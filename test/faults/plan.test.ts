/** The fault bench does the same again for the same seed, and a row of seeds meets every sort of fault. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chance } from '#faults/chance.ts';
import { makePlan, shapeOf, type Plan } from '#faults/plan.ts';
import { shapes } from '#faults/shapes.ts';
import { faults, faultsOf } from '#faults/strikes/all.ts';

function planned(seed: number, more: Partial<Parameters<typeof makePlan>[0]> = {}): Plan {
  const shape = shapeOf(seed);
  return makePlan({ seed, shape, minutes: 1, everyMs: 160, faults: faultsOf(shape).map(({ name }) => name), ...more });
}

describe('a plan of the fault bench', () => {
  it('is the same for the same seed, and another for another', () => {
    assert.deepEqual(planned(7), planned(7));
    assert.notDeepEqual(planned(7).deeds, planned(17).deeds);
    assert.notDeepEqual(planned(7).strikes, planned(17).strikes);
  });

  it('has people at both desks, private notes, files, statuses and fields, each token once', () => {
    const { deeds } = planned(3);
    assert.ok(deeds.length > 300);
    assert.equal(new Set(deeds.map(({ token }) => token)).size, deeds.length);
    for (const what of ['escalate', 'note', 'private', 'file', 'status', 'field', 'note-status'])
      assert.ok(
        deeds.some((one) => one.what === what),
        what,
      );
  });

  it('meets each sort of fault at least twenty times in the 66 runs of the long run, with some to spare', () => {
    const times = new Map<string, number>();
    for (let seed = 1; seed <= 66; seed += 1)
      for (const { fault } of planned(seed, { minutes: 0.5, dense: true }).strikes.flat())
        times.set(fault, (times.get(fault) ?? 0) + 1);
    const rare = faults.filter(({ name }) => (times.get(name) ?? 0) < 23);
    assert.deepEqual(
      rare.map(({ name }) => `${name} ${times.get(name)}`),
      [],
    );
  });

  it('keeps a minute, and every fault has a name and a place in some shape', () => {
    for (const row of planned(5).strikes)
      assert.ok(row.reduce((sum, { pauseMs, ms }) => sum + pauseMs + ms, 0) <= 60_000);
    const met = new Set(shapes.flatMap((shape) => faultsOf(shape).map(({ name }) => name)));
    assert.deepEqual([...met].toSorted(), faults.map(({ name }) => name).toSorted());
    assert.equal(new Set(faults.map(({ name }) => name)).size, faults.length);
  });

  it('draws evenly', () => {
    const draw = chance(1, 'evenly');
    const counts = Array.from({ length: 10 }, () => 0);
    for (let n = 0; n < 10_000; n += 1) counts[draw.below(10)]! += 1;
    for (const count of counts) assert.ok(count > 850 && count < 1_150, String(counts));
  });
});
