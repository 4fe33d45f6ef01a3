// Where an instance starts, as `ferry apply` asks its desk.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import type { LiveFrom } from '#connectors/contract/go-live.ts';
import { rows } from '#db/base/client.ts';
import { goodYaml, openBench, type Bench } from '#test/cli/support.ts';

describe('applying a file with new instances', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench.close());

  it('takes their go-live from their own newest change, with no worker running; one that cannot be asked is reported', async () => {
    const acme: LiveFrom = {
      cursor: 'c1',
      newest: '2026-01-02T03:04:05.000Z',
      after: null,
      known: [{ ticket: '7', floor: '12', at: '2026-01-02T03:04:05.000Z' }],
    };
    const asked: string[] = [];
    const result = await bench.apply(
      goodYaml,
      {},
      {
        liveFrom: ({ id }) => {
          asked.push(id);
          return id === 'acme' ? Promise.resolve(acme) : Promise.reject(new Error('away'));
        },
      },
    );
    assert.equal(result.outcome, 'applied');
    assert.ok(result.warnings.some((line) => line.includes('northwind could not be asked for its current position')));
    const found = await rows<{ id: string; since: string | null; cursor: string | null }>(
      bench.connection.db,
      sql`select i.id, to_json(i.live_since)#>>'{}' as since, f.cursor from instances i join feeds f on f.instance = i.id order by 1`,
    );
    assert.deepEqual(
      found.map(({ id, since, cursor }) => [id, since === null ? null : new Date(since).toISOString(), cursor]),
      [
        ['acme', acme.newest, 'c1'],
        ['northwind', null, null],
      ],
    );
    assert.deepEqual(
      [...(await rows(bench.connection.db, sql`select external_id, floor from tickets where instance = 'acme'`))],
      [{ external_id: '7', floor: '12' }],
    );
    asked.length = 0;
    await bench.apply(
      goodYaml.replace('Acme', 'Acme Ltd'),
      {},
      { liveFrom: ({ id }) => (asked.push(id), Promise.resolve(acme)) },
    );
    assert.ok(!asked.includes('acme'), 'what is live already does not begin again');
  });
});
