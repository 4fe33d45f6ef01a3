import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { createClocks, type Clocks } from '#activities/desk/clocks.ts';
import { first, twoDesks, type TwoDesks } from '#test/db/mirrored.ts';
import { until } from '#test/support/wait.ts';

const now = Date.parse('2026-03-01T09:00:00.400Z');
const at = (ms: number): string => new Date(now + ms).toISOString();

describe('how far a desk’s clock is from ours', () => {
  const opened: TwoDesks[] = [];
  let desks: TwoDesks;
  let clocks: Clocks;
  beforeEach(async () => {
    desks = await twoDesks('clocks');
    opened.push(desks);
    const ours = { now: () => now } as Parameters<typeof createClocks>[1];
    clocks = createClocks(desks.db, ours, (error) => assert.fail(String(error)));
  });
  after(async () => {
    for (const one of opened) await one.close();
  });

  const offset = (): number | null => clocks.of('acme').offsetMs();
  const kept = (): Promise<unknown> =>
    first(desks.db, sql`select clock_offset_ms as ms, clock_by as by from instances where id = 'acme'`);

  it('is measured by actions of ours that it dated, and a late one does not count', async () => {
    const { dated } = clocks.of('acme');
    assert.equal(offset(), null);
    for (const ahead of [5_000, 5_010, 90_000]) dated(at(ahead), now - 10, now + 10);
    assert.equal(offset(), 5_010);
    await until(async () => ((await kept()) as { ms: number | null }).ms !== null, { what: 'it to be kept' });
    assert.deepEqual(await kept(), { ms: 5_000, by: 'action' });
  });

  it('is none where the date fits between sending and answer, or the clocks differ by less than can be told', () => {
    const { dated } = clocks.of('acme');
    dated(at(0), now - 10, now + 10);
    assert.equal(offset(), 0);
    clocks.known('north', 900);
    assert.equal(clocks.of('north').offsetMs(), 0);
  });

  it('is half a second later than what a desk shows that keeps whole seconds', () => {
    const { dated } = clocks.of('acme');
    // It shows 09:00:10 of something made then or up to a second later.
    dated('2026-03-01T09:00:10.000Z', now, now);
    assert.equal(offset(), 10_000 + 500 - 400);
  });

  it('is not measured by a slow write or an invalid date', () => {
    const { dated } = clocks.of('acme');
    dated(at(60_000), now - 20_000, now);
    dated('yesterday', now, now);
    assert.equal(offset(), null);
  });

  it('is measured by replies only while there is nothing better, such as what another process found', () => {
    clocks.replied('acme', 7_000);
    assert.equal(offset(), 7_000);
    clocks.known('acme', 3_000);
    assert.equal(offset(), 3_000);
    clocks.of('acme').dated(at(4_000), now, now);
    assert.equal(offset(), 4_000);
  });
});
