/** Two minutes of the fault bench, with a seed that nobody has chosen. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { keepRun } from '#faults/keep.ts';
import { makePlan } from '#faults/plan.ts';
import { runOne } from '#faults/run.ts';
import { startFaultServices } from '#faults/services.ts';
import { shapeNamed } from '#faults/shapes.ts';
import { faultsOf } from '#faults/strikes/all.ts';

/**
 * Other tests share the machine, so people act more slowly than on the bench's own machine, and durations are not
 * judged. The run ends when nothing moves any more.
 */
const everyMs = 400;
const withinMs = 180_000;
const longestMs = 20 * 60_000;

describe('two random minutes of faults', () => {
  it('lose, double, misplace, leak and change nothing', { timeout: longestMs + 60_000 }, async () => {
    const seed = Number(process.env['FERRY_TEST_SEED'] ?? randomInt(1, 1_000_000));
    const shape = shapeNamed('hub');
    assert.ok(shape !== undefined);
    const faults = faultsOf(shape).map(({ name }) => name);
    const plan = makePlan({ seed, shape, faults, everyMs, minutes: 2 });
    const again = `npm run faults -- --seed ${seed} --shape ${shape.name} --minutes 2 --every ${everyMs}`;
    const services = await startFaultServices(AbortSignal.timeout(longestMs));
    try {
      let folder: string | undefined;
      const result = await runOne({
        ...{ services, plan, withinMs, patient: true, label: 'random', progress: () => {} },
        signal: AbortSignal.timeout(longestMs),
        async keep(world, journal, made) {
          if (made.holds) return;
          const out = await mkdtemp(join(process.env['FERRY_TEST_KEEP'] ?? tmpdir(), 'ferry-random-'));
          folder = await keepRun(out, { world, journal, plan, result: made, again });
        },
      });
      const text = result.findings.map((one) => `${one.sort}: ${one.text}`).join('\n');
      assert.ok(result.holds, `${again}\nhas found, and left in ${folder}:\n${text}`);
      assert.ok(result.struck.length > 10);
    } finally {
      await services.stop();
    }
  });
});
