import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { recognise, type Recognisable, type RecogniseInput, type WriteView } from '#core/log/recognise.ts';

const start = Date.parse('2026-11-21T12:00:00Z');

function at(seconds: number): string {
  return new Date(start + seconds * 1000).toISOString();
}

function seen(id: string, seconds: number, part: Partial<Recognisable> = {}): Recognisable {
  return {
    externalId: id,
    at: at(seconds),
    author: { name: 'Ferry', role: 'service' },
    fingerprint: 'note:hidden:1',
    bare: false,
    ...part,
  };
}

const person = { author: { name: 'Dana', role: 'agent' } } as const;
const robot = { author: { name: 'RT_System', role: 'automation' } } as const;

function write(part: Partial<WriteView> = {}): WriteView {
  return {
    delivery: 'd1',
    step: 0,
    marker: 'mark-1',
    fingerprints: ['note:hidden:1'],
    state: 'open',
    actionIds: [],
    promisedAt: at(0),
    deadline: at(30),
    ...part,
  };
}

function told(actions: readonly Recognisable[], part: Partial<RecogniseInput> = {}): string {
  const result = recognise({
    actions,
    known: new Map(),
    writes: [write()],
    liveSince: null,
    settleMs: 10_000,
    ...part,
  });
  return [...result.actions.map(({ as }) => as), ...(result.stoppedAt === null ? [] : ['stop'])].join(' ');
}

const cases: readonly (readonly [string, string, string])[] = [
  ['our text by our account while its write is open is its echo', told([seen('1', 1)]), 'echo'],
  [
    'our marker is ours, whatever author the desk names',
    told([seen('1', 1, { ...person, marker: 'mark-1', fingerprint: 'x' })]),
    'echo',
  ],
  [
    'an id that the reply named is ours',
    told([seen('7', 1, { ...person, fingerprint: 'x' })], { writes: [write({ actionIds: ['7'] })] }),
    'echo',
  ],
  [
    'a marker of ours of no write that is known is kept and not carried: a backup was restored since',
    told([seen('1', 1, { fingerprint: 'x', marker: '01a00000-0000-7000-8000-000000000001-0' }), seen('2', 2, person)], {
      writes: [],
    }),
    'consequence new',
  ],
  [
    'the bare changes that a desk records beside such a note are of the same write; later ones are a person’s',
    told(
      [
        seen('1', 1, { fingerprint: 'x', marker: '01a00000-0000-7000-8000-000000000001-0' }),
        seen('2', 1, { fingerprint: 'y', bare: true }),
        seen('3', 60, { fingerprint: 'y', bare: true }),
      ],
      { writes: [] },
    ),
    'consequence consequence new',
  ],
  [
    'while a write may have been forgotten, what our account did without a mark waits, and what follows it',
    told([seen('1', 1, person), seen('2', 2, { fingerprint: 'x' }), seen('3', 3, person)], {
      writes: [],
      mayBeForgotten: true,
    }),
    'new stop',
  ],
  [
    'a marked one does not wait then, nor does an automation',
    told([seen('1', 1, { fingerprint: 'x', marker: '01a00000-0000-7000-8000-000000000001-0' }), seen('2', 2, robot)], {
      writes: [],
      mayBeForgotten: true,
    }),
    'consequence consequence',
  ],
  [
    'a change beside a write that was found long after it was made is ours, although it was promised later',
    told([seen('7', 1, { fingerprint: 'x' }), seen('8', 2, { fingerprint: 'y', bare: true })], {
      writes: [write({ state: 'made', actionIds: ['7'], promisedAt: at(9_000), deadline: at(9_030) })],
    }),
    'echo echo',
  ],
  ['a person’s text is theirs, even when it is the same as ours', told([seen('1', 1, person)]), 'new'],
  [
    'two people who type the same text within a second both count',
    told([seen('1', 1, person), seen('2', 1.5, person)]),
    'new new',
  ],
  [
    'the same text a second time by our account is a person’s, and waits while a write is open',
    told([seen('1', 1), seen('2', 2)]),
    'echo stop',
  ],
  [
    'what our account did and no open write explains waits, with all that follows',
    told([seen('1', 1, { fingerprint: 'x' }), seen('2', 2, person)]),
    'stop',
  ],
  [
    'our account used by a person counts once no write is open',
    told([seen('1', 1, { fingerprint: 'x' })], { writes: [write({ state: 'settled' })] }),
    'new',
  ],
  [
    'a write that settled long ago claims nothing',
    told([seen('1', 600)], { writes: [write({ state: 'made' })] }),
    'new',
  ],
  ['an absent write claims nothing by its text', told([seen('1', 1)], { writes: [write({ state: 'absent' })] }), 'new'],
  [
    'what an automation does right after ours is a consequence',
    told([seen('1', 1), seen('2', 3, robot)]),
    'echo consequence',
  ],
  [
    'what an automation does after a person is its own',
    told([seen('1', 1), seen('2', 2, person), seen('3', 3, robot)]),
    'echo new new',
  ],
  ['what an automation does later than settleMs is its own', told([seen('1', 1), seen('2', 12, robot)]), 'echo new'],
  ['what an automation does before ours is its own', told([seen('1', 0.5, robot), seen('2', 1)]), 'new echo'],
  [
    'a consequence is told from an echo that an earlier read found',
    told([seen('1', 1), seen('2', 3, robot)], { known: new Map([['1', 'echo']]), writes: [] }),
    'known consequence',
  ],
  [
    'after a known action of a person an automation is its own',
    told([seen('1', 1), seen('2', 2, person), seen('3', 3, robot)], {
      known: new Map([
        ['1', 'echo'],
        ['2', 'action'],
      ]),
      writes: [],
    }),
    'known known new',
  ],
  [
    'what lies before go-live is not carried',
    told([seen('1', -60, person), seen('2', 1, person)], { liveSince: at(0), writes: [] }),
    'before-go-live new',
  ],
  [
    'a bare change by our account beside our open write is ours',
    told([seen('1', 1, { bare: true, fingerprint: 'x' })]),
    'echo',
  ],
  ...(['open', 'made', 'settled', 'absent'] as const).flatMap((state): (readonly [string, string, string])[] => [
    [
      `a bare change by our account within the time of our write is ours, also where that is ${state}`,
      told([seen('2', 29, { bare: true, fingerprint: 'x' })], { writes: [write({ state, seenAs: ['1'] })] }),
      'echo',
    ],
    [
      `a bare change by our account after the time of our ${state} write is somebody’s`,
      told([seen('2', 41, { bare: true, fingerprint: 'x' })], { writes: [write({ state })] }),
      state === 'open' ? 'stop' : 'new',
    ],
    [
      `a bare change by a person beside our ${state} write is theirs`,
      told([seen('2', 1, { ...person, bare: true })], { writes: [write({ state })] }),
      'new',
    ],
  ]),
  [
    'what our write was promised to look like is ours, although a clock that nobody has measured dates it before the promise',
    told([seen('74', -59, { bare: true, fingerprint: 'status:stalled' })], {
      writes: [write({ state: 'made', fingerprints: ['status:stalled'] })],
    }),
    'echo',
  ],
  [
    'a bare change that a clock which is behind dates too early is ours, once that clock was measured',
    told([seen('74', -59, { bare: true, fingerprint: 'x' })], { writes: [write()], clockOffsetMs: -60_000 }),
    'echo',
  ],
  [
    'a bare change beside our write is ours by our own clock, whatever the desk’s says',
    told([seen('74', 90_000, { bare: true, fingerprint: 'x' })], { writes: [write()], readAt: at(20) }),
    'echo',
  ],
  [
    'a bare change that a read long after our write shows is not ours by our own clock',
    told([seen('74', 90_000, { bare: true, fingerprint: 'x' })], {
      writes: [write({ state: 'settled' })],
      readAt: at(900),
    }),
    'new',
  ],
  [
    'where ids tell what was before go-live, times do not',
    told([seen('7', 60, person), seen('8', -86_400, person)], { liveSince: at(0), liveAfter: '7', writes: [] }),
    'before-go-live new',
  ],
  [
    'what was made after go-live counts, though it is dated before',
    told([seen('7', -86_400, { ...person, made: at(1) })], { liveSince: at(0), writes: [] }),
    'new',
  ],
  [
    'what is above what was read before was not there then, whatever it is dated',
    told([seen('7', -86_400, person), seen('9', -86_400, person)], { liveSince: at(0), readTo: '8', writes: [] }),
    'before-go-live new',
  ],
  [
    'what an earlier read has found of an open write is not found a second time',
    told([seen('1', 1), seen('2', 2)], {
      known: new Map([['1', 'echo']]),
      writes: [write({ seenAs: ['1'] })],
    }),
    'known stop',
  ],
  [
    'a bare change is that of the write under way, where an earlier one could have made it too',
    recognise({
      actions: [seen('2', 12, { bare: true, fingerprint: 'x' })],
      known: new Map(),
      writes: [write({ state: 'settled' }), write({ delivery: 'd2', marker: 'mark-2', promisedAt: at(11) })],
      liveSince: null,
      settleMs: 10_000,
    })
      .actions.map((one) => (one.as === 'echo' ? one.write.delivery : one.as))
      .join(' '),
    'd2',
  ],
];

for (const [name, result, expected] of cases) {
  test(name, () => assert.equal(result, expected));
}

test('every action before the stop is recognised as exactly one thing, in order, and nothing ever throws', () => {
  const action = fc.record({
    externalId: fc.constantFrom('1', '2', '3', '4'),
    at: fc.constantFrom(at(-20), at(0), at(1), at(15), at(100), 'never'),
    author: fc.record({ name: fc.constant('x'), role: fc.constantFrom('agent', 'user', 'service', 'automation') }),
    fingerprint: fc.constantFrom('note:hidden:1', 'b'),
    bare: fc.boolean(),
  }) as fc.Arbitrary<Recognisable>;
  const writes = fc.array(
    fc
      .record({ state: fc.constantFrom('open', 'made', 'settled', 'absent'), actionIds: fc.subarray(['1', '2']) })
      .map((part) => write(part)),
    { maxLength: 2 },
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 6 }), writes, (actions, open) => {
      const result = recognise({
        actions,
        known: new Map([['3', 'action']]),
        writes: open,
        liveSince: at(0),
        settleMs: 10_000,
      });
      assert.deepEqual(
        result.actions.map(({ index }) => index),
        [...actions.keys()].slice(0, result.stoppedAt ?? undefined),
      );
    }),
    { numRuns: 300 },
  );
});

test('a clock that jumps back puts nothing before go-live that has a higher id than what is after it', () => {
  const actions = [seen('1', -60, person), seen('2', 5, person), seen('3', -150, person), seen('4', 9, person)];
  const input = { liveSince: at(0), readAt: at(20) };
  assert.equal(told(actions, { ...input, idsGrow: true }), 'before-go-live new new new');
  // If nobody knows how ids behave, there are only times.
  assert.equal(told(actions, input), 'before-go-live new before-go-live new');
  // A date years ahead says nothing about what comes after it.
  const ahead = [seen('1', 3_000_000, person), seen('2', -60, person)];
  assert.equal(told(ahead, { ...input, idsGrow: true }), 'new before-go-live');
});
