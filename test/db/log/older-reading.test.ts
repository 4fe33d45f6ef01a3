import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows, type Client } from '#db/base/client.ts';
import type { LogReadingInput } from '#db/log/log-reading.ts';
import { logShown, noteOf, putMirror, snapshotOf, twoDesks, type TwoDesks } from '#test/db/mirrored.ts';

const now = Date.now();

/** What a desk shows: people's actions by id, with the field and the summary that each has set. */
type Shown = { readonly id: string; readonly field?: string; readonly summary?: string };

describe('a reading that is logged after a newer one', () => {
  let desks: TwoDesks;
  let db: Client;
  before(async () => {
    desks = await twoDesks('older_reading');
    ({ db } = desks);
    await putMirror(db);
  });
  after(() => desks.close());

  const log = (
    shown: readonly Shown[],
    beside: Omit<Shown, 'id'> & { readonly status?: string } = {},
    when: Pick<LogReadingInput, 'begunAt' | 'ids'> = {},
  ): Promise<unknown> => {
    const Ref = beside.field ?? shown.findLast(({ field }) => field !== undefined)?.field ?? '';
    const summary = beside.summary ?? shown.findLast((one) => one.summary !== undefined)?.summary ?? 'VPN';
    return logShown(db, {
      snapshot: snapshotOf('9', { summary, status: beside.status ?? 'open', fields: { Ref } }),
      actions: shown.map(({ id, field, summary: title }, n) =>
        noteOf(id, {
          at: new Date(now + n * 1_000).toISOString(),
          words: {
            kind: 'Note',
            ...(title === undefined ? {} : { summary: title }),
            fields: field === undefined ? {} : { Ref: field },
          },
        }),
      ),
      ...when,
    });
  };
  const wordsOf = async (id: string): Promise<unknown> =>
    (await rows(db, sql`select words from actions where external_id = ${id}`))[0]?.['words'];

  const kept = async (): Promise<unknown> =>
    (await rows(db, sql`select snapshot from tickets where external_id = '9'`))[0]?.['snapshot'];
  /** That long before now, by the database's clock. */
  const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();

  for (const ids of ['count', null] as const)
    it(`leaves the ticket as the newer one has shown it, where ids ${ids ?? 'tell nothing'}`, async () => {
      const field = 'R-0';
      const before = [{ id: '1' }];
      const begunAt = { older: ago(400), newer: ago(200) };
      await db.execute(sql`delete from actions`);
      await db.execute(sql`delete from tickets`);
      await log([...before, { id: '2' }], { status: 'waiting', field }, { begunAt: begunAt.newer, ids });
      const newest = await kept();
      // Its worker hung after it had read, or it came from a replica that is late.
      await log(before, { status: 'open', field, summary: 'Old' }, { begunAt: begunAt.older, ids });
      assert.deepEqual(await kept(), newest);
      const nextAt = ids === null ? ago(0) : ago(300);
      await log([...before, { id: '2' }, { id: '3' }], { status: 'closed', field }, { begunAt: nextAt, ids });
      assert.equal(((await kept()) as { status: string }).status, 'closed');
      // A difference that only the older reading shows is nobody's change.
      assert.deepEqual(await wordsOf('3'), { kind: 'Note', fields: {} });
      await db.execute(sql`delete from deliveries`);
      await db.execute(sql`delete from actions`);
      await db.execute(sql`delete from tickets`);
      await db.execute(sql`update lanes set last_seq = 0, head_seq = 1, due_at = null`);
    });

  it('makes nobody change again, with the next note, what the log has long since', async () => {
    const changed: Shown = { id: '2', field: 'R-1', summary: 'VPN again' };
    await log([{ id: '1' }]);
    await log([{ id: '1' }, changed]);
    // Its worker hung after it had read.
    await log([{ id: '1' }]);
    // A read looks back only for a while, so it need not show what had changed.
    await log([{ id: '3' }], { field: 'R-1', summary: 'VPN again' });
    assert.deepEqual(await wordsOf('3'), { kind: 'Note', fields: {} });
  });

  it('hides nothing that was changed beside an action since', async () => {
    await log([{ id: '4' }], { field: 'R-2', summary: 'VPN again' });
    assert.deepEqual(await wordsOf('4'), { kind: 'Note', fields: { Ref: 'R-2' } });
    // Back to a value that it had before, which is not the newest.
    await log([{ id: '5' }], { field: 'R-1', summary: 'VPN again' });
    assert.deepEqual(await wordsOf('5'), { kind: 'Note', fields: { Ref: 'R-1' } });
  });
});
