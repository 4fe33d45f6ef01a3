import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  advanced,
  beginOf,
  doubtOf,
  gapMs,
  isAnother,
  isPassed,
  nowhere,
  numberOf,
  type From,
  type IdBehaviour,
  type Position,
} from '#core/log/position.ts';

const lateMs = 2_000;
const from = (part: Partial<From> = {}): From => ({
  ...nowhere,
  isNew: false,
  isMissing: false,
  since: null,
  liveAfter: null,
  ...part,
});
const at = (ms: number): string => new Date(1_800_000_000_000 + ms).toISOString();

type Made = { readonly id: number; readonly dated: number; readonly shownFrom: number };

/**
 * A desk whose people date actions as they like, whose clock jumps, and whose reads come from a copy that shows some
 * actions late; looked at now and then, as the watcher does it.
 */
function metBy(behaviour: IdBehaviour, history: readonly Made[], looks: readonly number[]): readonly number[][] {
  let position: Position = nowhere;
  let since: number | null = null;
  const known = new Set<string>();
  const met: number[][] = [];
  let mark: string | null = null;
  for (const now of looks) {
    const shown = history.filter(({ shownFrom }) => shownFrom <= now);
    const begin = beginOf(
      behaviour,
      from({ ...position, isNew: since === null, since: since === null ? null : at(since) }),
      lateMs,
    );
    // As a desk does that finds actions by their ids, or gives the whole ticket.
    const near = shown.filter(({ id, dated }) =>
      begin.after !== null
        ? id >= Number(begin.after)
        : begin.since === null || dated >= Date.parse(begin.since) - Date.parse(at(0)),
    );
    mark = String(shown.length);
    const isWhole = begin.since === null && begin.after === null;
    const ids = (some: readonly Made[]): string[] => some.map(({ id }) => String(id));
    const doubt = isWhole ? null : doubtOf(behaviour, position, { ids: ids(near), mark });
    const read = doubt === null ? near : shown;
    const fresh = ids(read).filter((id) => !known.has(id) && !isPassed(position, id));
    met.push(fresh.map(Number));
    for (const id of fresh) known.add(id);
    const passed = {
      ids: ids(read),
      mark,
      known: new Set(ids(read)),
      now: at(now),
      isWhole: isWhole || doubt !== null,
      liveAfter: null,
    };
    position = advanced(behaviour, position, passed, { lateMs, gapMs });
    const floor = read.find(({ id }) => String(id) === position.floor) ?? read.at(-1);
    if (floor !== undefined) since = floor.dated;
  }
  return met;
}

const clock = fc.integer({ min: -90_000_000, max: 90_000_000 });

function everythingOnce(history: readonly Made[], met: readonly number[][]): void {
  assert.deepEqual(
    met.flat().toSorted((a, b) => a - b),
    history.map(({ id }) => id),
  );
}

test('whatever the times are and whatever is shown late, every action whose ids count up is read once', () => {
  const steps = fc.array(
    fc.record({ afterMs: fc.nat(5_000), skew: clock, lagMs: fc.oneof(fc.constant(0), fc.nat(600_000)) }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(steps, fc.array(fc.nat(20_000), { maxLength: 12 }), (given, pauses) => {
      let now = 0;
      const history = given.map(({ afterMs, skew, lagMs }, n): Made => {
        now += afterMs;
        return { id: n + 1, dated: now + skew, shownFrom: now + lagMs };
      });
      let look = 0;
      const looks = pauses.map((pause) => (look += pause));
      everythingOnce(history, metBy('count', history, [...looks, now + 700_000]));
    }),
    { numRuns: 500 },
  );
});

test('whatever the times are, every action whose ids grow is read once, if it is shown soon enough', () => {
  const steps = fc.array(
    fc.record({ gap: fc.integer({ min: 1, max: 9 }), afterMs: fc.nat(5_000), skew: clock, lagMs: fc.nat(lateMs - 1) }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(steps, fc.array(fc.nat(20_000), { maxLength: 12 }), (given, pauses) => {
      let now = 0;
      let id = 0;
      const history = given.map(({ gap, afterMs, skew, lagMs }): Made => {
        now += afterMs;
        id += gap;
        return { id, dated: now + skew, shownFrom: now + lagMs };
      });
      let look = 0;
      const looks = pauses.map((pause) => (look += pause));
      everythingOnce(history, metBy('grow', history, [...looks, now + 700_000]));
    }),
    { numRuns: 500 },
  );
});

test('ids of which nobody knows how they behave: the ticket is read whole each time, and nothing is passed', () => {
  assert.deepEqual(beginOf(null, from({ since: at(0), floor: '7' }), lateMs), { since: null, after: null });
  const position = advanced(
    null,
    nowhere,
    { ids: ['4', '5'], mark: null, known: new Set(['4', '5']), now: at(0), isWhole: true, liveAfter: null },
    { lateMs, gapMs },
  );
  assert.equal(position.floor, null);
  assert.equal(isPassed(position, '4'), false);
});

test('a position never goes back, and nothing that still waits is passed', () => {
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 12 });
  fc.assert(
    fc.property(
      fc.constantFrom<IdBehaviour>('count', 'grow'),
      fc.array(fc.tuple(ids, ids, fc.nat(200_000_000)), { maxLength: 8 }),
      (behaviour, reads) => {
        let position: Position = nowhere;
        let now = 0;
        for (const [shown, waiting, afterMs] of reads) {
          now += afterMs;
          const waits = new Set(waiting.map(String));
          const known = new Set(shown.map(String).filter((id) => !waits.has(id)));
          const next = advanced(
            behaviour,
            position,
            { ids: shown.map(String), mark: null, known, now: at(now), isWhole: true, liveAfter: null },
            { lateMs, gapMs },
          );
          assert.ok((numberOf(next.floor ?? '0') ?? 0) >= (numberOf(position.floor ?? '0') ?? 0));
          for (const id of shown.map(String))
            if (!known.has(id) && !isPassed(position, id)) assert.equal(isPassed(next, id), false);
          position = next;
        }
      },
    ),
  );
});

test('a gap is waited for, for a day; then it counts as an action that was deleted', () => {
  const seen = (ids: readonly number[], now: number, before: Position): Position =>
    advanced(
      'count',
      before,
      {
        ids: ids.map(String),
        mark: null,
        known: new Set(ids.map(String)),
        now: at(now),
        isWhole: true,
        liveAfter: null,
      },
      { lateMs, gapMs },
    );
  const gap = seen([1, 2, 4], 0, nowhere);
  assert.equal(gap.floor, '2');
  assert.equal(seen([2, 4, 5], gapMs - 1, gap).floor, '2');
  assert.equal(seen([2, 4, 5], gapMs, gap).floor, '4');
  assert.equal(seen([2, 3, 4], 60_000, gap).floor, '4');
});

test('a read that began too late, has a gap, or shows nothing of what has changed is in doubt', () => {
  const position: Position = { floor: '5', high: null, mark: 'a' };
  const doubt = (ids: readonly string[], mark: string | null = 'b') => doubtOf('count', position, { ids, mark });
  assert.equal(doubt(['5', '6']), null);
  assert.equal(doubt(['6']), 'no-anchor');
  assert.equal(doubt(['5', '7']), 'gap');
  assert.equal(doubt(['5']), 'nothing-new');
  assert.equal(doubt(['5'], 'a'), null);
  assert.equal(doubt(['5'], null), null);
  assert.equal(doubt(['5', '100000000000000']), 'gap');
});

test('another text is an edit, another name of the same text a person who is called otherwise, another instant or author another action', () => {
  const known = { made: at(0), by: 'Ann', sameText: true };
  assert.equal(isAnother(known, { made: at(0), by: 'Ann' }), false);
  assert.equal(isAnother({ ...known, sameText: false }, { made: at(0), by: 'Ann' }), false);
  assert.equal(isAnother(known, { made: at(0), by: 'Ann Lee' }), false);
  // A little later and with another text it is another, a little later alone it was rounded.
  assert.equal(isAnother({ ...known, made: at(120), sameText: false }, { made: at(640), by: 'Ann' }), true);
  assert.equal(isAnother({ ...known, made: at(120) }, { made: at(640), by: 'Ann' }), false);
  assert.equal(isAnother({ ...known, sameText: false }, { made: at(0), by: 'Bob' }), true);
  assert.equal(isAnother(known, { made: at(5_000), by: 'Ann' }), true);
  assert.equal(isAnother({ made: null, by: null, sameText: null }, { made: at(5_000), by: 'Bob' }), false);
});
