import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countsAs, due, isNewer, meet, originAt, type Change, type Stamp } from '#core/conversation/meet.ts';
import { otherSide } from '#core/words/ends.ts';
import type { Changed, SideName, TicketSnapshot } from '#core/words/vocabulary.ts';

/*
 * Two desks, their courier and their lanes, with the rule that the program uses and nothing else of it. A status and a
 * field are changed by people; reads, decisions, writes and their read-backs come in any order that is possible.
 */
type Value = string;
type Maps = Readonly<Record<SideName, Readonly<Record<Value, Value>>>>;
/** One entry of a desk's history: a person's change, or our write of a delivery. */
type Entry = {
  readonly value: Value;
  readonly at: number;
  readonly of: Delivery | null;
  readonly by: SideName | null;
  logged: boolean;
};
type Delivery = {
  readonly stamp: Stamp;
  readonly value: Value;
  readonly to: SideName;
  stage: 'waiting' | 'decided' | 'written' | 'correcting' | 'ended';
  meant: Value;
  /** What was written to correct it; the last one is still to be written while it is `correcting`. */
  readonly corrected: Value[];
  wrote: boolean;
};
type Desk = {
  value: Value;
  readonly history: Entry[];
  /** The value as last read. */
  snapshot: Value;
  readonly lane: Delivery[];
  /** What was signed here. */
  readonly signed: { readonly stamp: Stamp; readonly value: Value; readonly entry: Entry }[];
};
type Event =
  | { readonly kind: 'change'; readonly side: SideName; readonly value: Value }
  | { readonly kind: 'read' | 'carry'; readonly side: SideName };

const sides = ['customer', 'supplier'] as const;
const iso = (ms: number): string => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();
const status = (value: Value): Changed => ({ status: value, fields: {} });
const shownAs = (value: Value): TicketSnapshot => ({ status: value, fields: {} }) as unknown as TicketSnapshot;

class World {
  readonly desks: Record<SideName, Desk>;
  readonly maps: Maps;
  readonly skewMs: Readonly<Record<SideName, number>>;
  clock = 10_000;
  writes = 0;
  constructor(maps: Maps, start: Readonly<Record<SideName, Value>>, skewMs: Readonly<Record<SideName, number>>) {
    this.maps = maps;
    this.skewMs = skewMs;
    const desk = (value: Value): Desk => ({ value, history: [], snapshot: value, lane: [], signed: [] });
    this.desks = { customer: desk(start.customer), supplier: desk(start.supplier) };
  }

  change(side: SideName, value: Value): void {
    const desk = this.desks[side];
    // No desk records that a person sets a value to what it already is.
    if (desk.value === value) return;
    this.put(desk, side, value, null);
  }

  put(desk: Desk, side: SideName, value: Value, of: Delivery | null): void {
    this.clock += 1;
    // A desk whose clock shows tens of milliseconds, so that there are ties.
    const at = Math.floor((this.clock + this.skewMs[side]) / 10) * 10;
    desk.history.push({ value, at, of, by: of === null ? side : null, logged: of !== null });
    desk.value = value;
  }

  /** Everything that the desk shows is logged. */
  read(side: SideName): void {
    const desk = this.desks[side];
    const known = desk.lane.filter(({ stage }) => stage !== 'waiting' && stage !== 'decided');
    for (const [index, entry] of desk.history.entries()) {
      if (entry.logged || entry.by === null) continue;
      entry.logged = true;
      const place = (delivery: Delivery): 'behind' | 'ahead' | 'neither' => {
        const echo = desk.history.findIndex((one) => one.of === delivery);
        if (echo < 0) return delivery.stage === 'ended' ? 'behind' : 'neither';
        if (echo < index) return 'behind';
        return delivery.stage === 'ended' ? 'ahead' : 'neither';
      };
      const at = originAt({
        at: iso(entry.at),
        offsetMs: 0,
        now: iso(this.clock),
        behind: [
          ...known.filter((one) => place(one) === 'behind').map(({ stamp }) => stamp.at),
          ...desk.signed.map(({ stamp }) => stamp.at),
        ],
        ahead: known.filter((one) => place(one) === 'ahead').map(({ stamp }) => stamp.at),
      });
      const stamp = { at, side };
      desk.signed.push({ stamp, value: entry.value, entry });
      const to = otherSide(side);
      this.desks[to].lane.push({
        stamp,
        value: entry.value,
        to,
        stage: 'waiting',
        meant: '',
        corrected: [],
        wrote: false,
      });
    }
    desk.snapshot = desk.value;
  }

  known(side: SideName): Change[] {
    return this.desks[side].signed.map(({ stamp, value }) => ({ ...stamp, changed: status(value), author: null }));
  }

  /** Makes one step of the delivery at the head of the lane; false if nothing waits. */
  carry(side: SideName): boolean {
    const desk = this.desks[side];
    const head = desk.lane.find(({ stage }) => stage !== 'ended');
    if (head === undefined) return false;
    if (head.stage === 'waiting') {
      this.decide(side, desk, head);
    } else if (head.stage === 'decided') {
      this.put(desk, side, head.meant, head);
      this.writes += 1;
      head.stage = 'written';
    } else if (head.stage === 'correcting') {
      // Somebody may have changed it since the read that asked for the correction.
      this.put(desk, side, head.corrected.at(-1) ?? '', head);
      this.writes += 1;
      head.stage = 'written';
    } else {
      this.readBack(side, desk, head);
    }
    return true;
  }

  decide(side: SideName, desk: Desk, head: Delivery): void {
    const judge = (): Changed => {
      head.meant = this.maps[side][head.value] ?? '';
      if (head.meant === '') return { fields: {} };
      const changed: Changed = head.meant === desk.snapshot ? { fields: {} } : status(head.meant);
      return meet(status(head.meant), changed, head.stamp, this.known(side), 'desk').changed;
    };
    if (judge().status === undefined) this.read(side);
    head.stage = judge().status === undefined ? 'ended' : 'decided';
  }

  readBack(side: SideName, desk: Desk, head: Delivery): void {
    this.read(side);
    const known = this.known(side);
    const meant = { all: status(head.meant), assumed: { fields: {} } };
    const { again } = due(meant, head.corrected.map(status), head.stamp, known, known, shownAs(desk.value), 'desk');
    if (again.status !== undefined) head.corrected.push(again.status);
    head.stage = again.status === undefined ? 'ended' : 'correcting';
  }

  run(events: readonly Event[]): void {
    for (const event of events) {
      if (event.kind === 'change') this.change(event.side, event.value);
      else if (event.kind === 'read') this.read(event.side);
      else this.carry(event.side);
    }
    // From now on nobody does anything, and everything is read and carried.
    let rounds = 0;
    do {
      for (const side of sides) this.read(side);
      rounds += 1;
      assert.ok(rounds < 10_000, 'it never ends');
    } while (
      sides.map((side) => this.carry(side)).some(Boolean) ||
      sides.some((side) => this.desks[side].history.some(({ logged }) => !logged))
    );
  }

  newest(): { readonly stamp: Stamp; readonly value: Value } | undefined {
    const all = sides.flatMap((side) => this.desks[side].signed);
    return all.reduce<(typeof all)[number] | undefined>(
      (best, one) => (best === undefined || !isNewer(best.stamp, one.stamp) ? one : best),
      undefined,
    );
  }
}

const values = ['open', 'waiting', 'working', 'closed'];
const same = Object.fromEntries(values.map((one) => [one, one]));
const mapOf: fc.Arbitrary<Readonly<Record<Value, Value>>> = fc.oneof(
  fc.constant(same),
  // Lossy: two statuses there are one here, and what comes back is the other one.
  fc.record(Object.fromEntries(values.map((one) => [one, fc.constantFrom(...values)]))) as fc.Arbitrary<
    Record<Value, Value>
  >,
);
const side = fc.constantFrom(...sides);
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ kind: fc.constant('change' as const), side, value: fc.constantFrom(...values) }),
  fc.record({ kind: fc.constantFrom('read' as const, 'carry' as const), side }),
  fc.record({ kind: fc.constant('carry' as const), side }),
);
const skew = fc.constantFrom(0, 0, 40, -40, 3_000, -3_000);

test('whatever the order, both desks end with the newest change, mapped; no third value, and no end of writing', () => {
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 60 }),
      fc.record({ customer: mapOf, supplier: mapOf }),
      fc.record({ customer: skew, supplier: skew }),
      (events, maps, skewMs) => {
        const world = new World(maps, { customer: 'open', supplier: 'open' }, skewMs);
        world.run(events);
        const newest = world.newest();
        if (newest === undefined) return;
        const { stamp, value } = newest;
        assert.equal(world.desks[stamp.side].value, value, 'its own desk has it as it was said');
        const far = otherSide(stamp.side);
        assert.equal(world.desks[far].value, maps[far][value], 'the other desk has it mapped');
        const changes = sides.flatMap((one) => world.desks[one].signed).length;
        assert.ok(world.writes <= changes * 2, `${world.writes} writes for ${changes} changes`);
      },
    ),
    { numRuns: 3_000 },
  );
});

test('where the clocks are right, the newest is the one that was made last, unless the other has answered it', () => {
  const world = new World(
    { customer: same, supplier: same },
    { customer: 'open', supplier: 'open' },
    { customer: 0, supplier: 0 },
  );
  world.change('customer', 'waiting');
  world.clock += 50;
  world.change('supplier', 'working');
  world.run([]);
  assert.deepEqual(
    sides.map((one) => world.desks[one].value),
    ['working', 'working'],
  );
});

test('what is changed while a correction is on its way holds, as what is changed while the write is', () => {
  const world = new World(
    { customer: same, supplier: same },
    { customer: 'open', supplier: 'open' },
    { customer: 0, supplier: 0 },
  );
  const steps: readonly (() => unknown)[] = [
    () => world.change('supplier', 'working'),
    () => world.read('supplier'),
    // Decided, then the customer sets it, then it is written over that.
    () => world.carry('customer'),
    () => world.change('customer', 'closed'),
    () => world.carry('customer'),
    // The read-back asks for a correction, the customer sets it again, then the correction is written over that.
    () => world.carry('customer'),
    () => world.change('customer', 'waiting'),
    () => world.carry('customer'),
  ];
  for (const step of steps) {
    world.clock += 100;
    step();
  }
  assert.equal(world.desks.customer.value, 'closed', 'the correction has covered what the customer set');
  world.run([]);
  assert.deepEqual(
    sides.map((one) => world.desks[one].value),
    ['waiting', 'waiting'],
  );
});

test('an answer is newer than what it answers, however far the clock is behind', () => {
  const world = new World(
    { customer: same, supplier: same },
    { customer: 'open', supplier: 'open' },
    { customer: 0, supplier: -3_000 },
  );
  world.run([{ kind: 'change', side: 'customer', value: 'waiting' }]);
  world.run([{ kind: 'change', side: 'supplier', value: 'closed' }]);
  assert.deepEqual(
    sides.map((one) => world.desks[one].value),
    ['closed', 'closed'],
  );
});

test('a tie is the customer’s', () => {
  assert.ok(isNewer({ at: iso(0), side: 'customer' }, { at: iso(0), side: 'supplier' }));
  assert.ok(!isNewer({ at: iso(0), side: 'supplier' }, { at: iso(0), side: 'customer' }));
  assert.ok(!isNewer({ at: iso(0), side: 'supplier' }, { at: iso(0), side: 'supplier' }));
});

test('an invalid time wins nothing, and nothing throws', () => {
  assert.ok(!isNewer({ at: 'soon', side: 'customer' }, { at: iso(0), side: 'supplier' }));
  assert.equal(originAt({ at: 'soon', offsetMs: 0, now: iso(0), behind: [iso(1)], ahead: [] }), 'soon');
});

test('a desk’s offset is taken out, and nothing was made later than it was read', () => {
  assert.equal(originAt({ at: iso(5_000), offsetMs: 3_000, now: iso(9_000), behind: [], ahead: [] }), iso(2_000));
  assert.equal(originAt({ at: iso(300_000), offsetMs: 0, now: iso(9_000), behind: [], ahead: [] }), iso(9_000));
});

test('a time from years ahead counts as the moment of its arrival', () => {
  assert.equal(countsAs('2199-01-01T00:00:00Z', iso(0)), iso(0));
  assert.equal(countsAs(iso(60_000), iso(0)), iso(60_000));
});
