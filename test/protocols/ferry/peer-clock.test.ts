import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPeerClock, type PeerClock } from '#protocols/ferry/peer-clock.ts';

const begin = Date.parse('2026-03-01T12:00:00.400Z');

/** Our clock and the peer's, which is that far ahead; both can be moved. In milliseconds. */
function clocks(aheadMs: number): {
  readonly clock: PeerClock;
  pass(ms: number): void;
  stepOurs(ms: number): void;
  stepTheirs(ms: number): void;
  date(): string;
} {
  let [ours, steady, ahead] = [begin, 0, aheadMs];
  return {
    clock: createPeerClock(
      () => ours,
      () => steady,
    ),
    pass(ms) {
      ours += ms;
      steady += ms;
    },
    stepOurs(ms) {
      ours += ms;
      ahead -= ms;
    },
    stepTheirs(ms) {
      ahead += ms;
    },
    date: () => new Date(ours + ahead).toUTCString(),
  };
}

describe('the clock of a peer', () => {
  it('is ours as far as a header can tell, however long the answer takes', () => {
    for (const [aheadMs, tookMs] of [
      [0, 10],
      [900, 10],
      [-900, 10],
      [3_000, 10],
      [0, 25_000],
    ] as const) {
      const { clock, pass, date } = clocks(aheadMs);
      const isExplained = clock.sending();
      pass(tookMs);
      assert.equal(isExplained(date()), false);
      assert.equal(clock.aheadS(), 0);
    }
  });

  it('explains a refusal where it is another, and then is followed', () => {
    for (const aheadMs of [-90_000, -7_000, 7_000, 90_000, 86_400_000]) {
      const { clock, pass, date } = clocks(aheadMs);
      const first = clock.sending();
      pass(100);
      assert.equal(first(date()), true);
      assert.ok(Math.abs(clock.aheadS() - aheadMs / 1_000) <= 1, String(clock.aheadS()));
      const second = clock.sending();
      pass(100);
      assert.equal(second(date()), false);
    }
  });

  it('explains one also where the peer’s was set in between, or our own was and is right again', () => {
    const theirs = clocks(0);
    const late = theirs.clock.sending();
    theirs.stepTheirs(240_000);
    assert.equal(late(theirs.date()), true);
    assert.equal(theirs.clock.sending()(theirs.date()), false);

    const ours = clocks(0);
    ours.stepOurs(240_000);
    const wrong = ours.clock.sending();
    ours.stepOurs(-240_000);
    assert.equal(wrong(ours.date()), true);
    assert.equal(ours.clock.aheadS(), 0);
  });

  it('learns nothing from an answer without a date that can be read', () => {
    const { clock } = clocks(90_000);
    for (const date of [undefined, null, '', 'soon', '9'.repeat(400)]) assert.equal(clock.sending()(date), false);
    assert.equal(clock.aheadS(), 0);
  });
});
