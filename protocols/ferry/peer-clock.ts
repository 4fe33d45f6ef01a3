/**
 * How far a peer's clock is from ours, by the Date of its answers. What we sign to prove who we are bears a time, and the
 * peer judges it by its own clock: so it is dated by that one, and a refusal that the clocks explain is no wrong key.
 */

export type PeerClock = {
  /** Added to our time, it is the peer's; 0 where they agree as far as a header can tell. Whole seconds. */
  aheadS(): number;
  /**
   * Before something is dated and sent. What it returns is given the Date of the answer, learns from it, and says whether
   * what was sent was dated wrongly by more than a minute may bear.
   */
  sending(): (date: string | null | undefined) => boolean;
};

/** A header tells whole seconds, and clocks that are kept differ by less. Within what every peer bears. Seconds. */
const bearableS = 5;

/** @param wall milliseconds, by a clock that may jump; @param steady by one that does not */
export function createPeerClock(
  wall: () => number = Date.now,
  steady: () => number = () => performance.now(),
): PeerClock {
  let aheadS = 0;
  return {
    aheadS: () => aheadS,
    sending() {
      const [datedS, startedAt] = [Math.floor(wall() / 1_000) + aheadS, steady()];
      return (date) => {
        const saidS = Date.parse(date ?? '') / 1_000;
        if (!Number.isFinite(saidS)) return false;
        const tookS = Math.max(0, steady() - startedAt) / 1_000;
        // It was said at some moment of the exchange.
        const nowS = saidS + tookS / 2;
        const found = Math.round(nowS - wall() / 1_000);
        aheadS = Math.abs(found) <= bearableS + tookS / 2 ? 0 : found;
        return saidS < datedS - bearableS || saidS > datedS + tookS + bearableS;
      };
    },
  };
}
