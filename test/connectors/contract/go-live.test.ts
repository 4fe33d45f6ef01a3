import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { askLiveFrom, type LiveFrom } from '#connectors/contract/go-live.ts';
import type { GoLive, Helpdesk } from '#connectors/contract/helpdesk.ts';
import { noteOf, snapshotOf } from '#test/db/mirrored.ts';

const signal = new AbortController().signal;
const newest = '2026-03-01T09:00:00.000Z';
const at = (seconds: number): string => new Date(Date.parse(newest) + seconds * 1_000).toISOString();

/** A desk that went live like this, whose tickets have actions of these seconds after the newest change. */
function desk(goLive: Partial<GoLive>, tickets: Readonly<Record<string, readonly number[]>> = {}): Helpdesk {
  return {
    traits: { ids: 'count' },
    feedStart: () => Promise.resolve('7'),
    goLive: () => Promise.resolve({ cursor: '9', near: Object.keys(tickets), ...goLive }),
    read: (id: string) =>
      Promise.resolve(
        tickets[id] === undefined
          ? { kind: 'gone' as const }
          : {
              kind: 'ticket' as const,
              snapshot: snapshotOf(id),
              actions: tickets[id].map((seconds, n) => noteOf(String(n + 1), { at: at(seconds) })),
            },
      ),
  } as unknown as Helpdesk;
}
const asked = (one: Helpdesk): Promise<LiveFrom> => askLiveFrom(one, signal);

describe('go-live', () => {
  it('of a desk that can tell nothing is its feed’s position alone', async () => {
    const { goLive: _none, ...plain } = desk({});
    assert.deepEqual(await asked(plain as Helpdesk), { cursor: '7', after: null, known: [] });
  });

  it('knows of a ticket that changed at that moment which of its actions were before', async () => {
    const { known } = await asked(desk({ newest }, { a: [-5, 0, 0, 1], b: [1], c: [-9] }));
    assert.deepEqual(known, [
      { ticket: 'a', floor: '3', at: at(0) },
      { ticket: 'c', floor: '1', at: at(-9) },
    ]);
  });

  it('keeps an empty desk apart from one that can’t tell its newest change', async () => {
    assert.equal((await asked(desk({ newest: null }))).newest, null);
    assert.ok(!('newest' in (await asked(desk({})))));
  });

  it('reads no ticket where ids grow over the whole desk, and fifty at most else', async () => {
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`t${n}`, [-1]]));
    assert.equal((await asked(desk({ newest }, many))).known.length, 50);
    const grows = { ...desk({ newest, after: '400' }, many), traits: { ids: 'grow' } } as unknown as Helpdesk;
    const { known, after } = await asked(grows);
    assert.deepEqual([known, after], [[], '400']);
  });

  it('leaves out a ticket that is not there any more', async () => {
    const gone = desk({ newest, near: ['x', 'a'] }, { a: [-1] });
    assert.deepEqual(
      (await asked(gone)).known.map(({ ticket }) => ticket),
      ['a'],
    );
  });
});
