import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { beat, beginGeneration, forgotten, type Generation } from '#db/links/generations.ts';
import { must } from '#core/words/must.ts';
import { first, twoDesks, type TwoDesks } from '#test/db/mirrored.ts';

describe('a start of a process', () => {
  let desks: TwoDesks;
  before(async () => {
    desks = await twoDesks('generations');
  });
  after(() => desks.close());

  const begin = (): Promise<Generation> => desks.db.transaction((tx) => beginGeneration(tx));

  it('is known for as long as the database is what it was, with all its beats', async () => {
    const { db } = desks;
    const begun = await begin();
    const beaten = must(await beat(db, begun), 'a beat');
    assert.deepEqual([beaten.beats, await forgotten(db, [begun, beaten])], [begun.beats + 1, []]);
    // Put back to before the beat.
    await db.execute(sql`update generations set beats = ${begun.beats}`);
    assert.deepEqual(await forgotten(db, [begun, beaten]), [beaten]);
    assert.equal(await beat(db, beaten), null);
  });

  it('is forgotten where another one has its number', async () => {
    const { db } = desks;
    const lost = await begin();
    await db.execute(sql`delete from generations where generation = ${lost.generation}`);
    const other = await begin();
    assert.equal(other.generation, lost.generation);
    assert.deepEqual(await forgotten(db, [lost, other]), [lost]);
  });

  it('that is older than all that are kept says nothing, and a thousand are kept', async () => {
    const { db } = desks;
    const old = await begin();
    await db.execute(
      sql`insert into generations (generation) select ${old.generation}::bigint + n from generate_series(1, 1000) n`,
    );
    await begin();
    const kept = await first(db, sql`select min(generation)::int as oldest, count(*)::int as n from generations`);
    assert.deepEqual(kept, { oldest: old.generation + 1, n: 1_001 });
    assert.deepEqual(await forgotten(db, [old]), []);
  });
});
