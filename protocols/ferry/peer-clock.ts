/**
 * Measures the offset of a peer's clock from the Date of its answers. The peer judges the time in our signed proofs by its own
 * clock, so we date them by that clock; and a refusal that the offset explains does not mean a wrong key.
 */

export type PeerClock = {
  /** Offset to add to our time for the peer's; 0 if they agree within the precision of the header. Whole seconds. */
  aheadS(): number;
  /** * Call it before dating and sending something. Pass the Date of the answer to the returned function: it learns from it, and says
   * whether the sent date was wrong by more than the tolerance.
   */
  sending(): (date: string | null | undefined) => boolean;
};

/** The ignored difference: headers have whole seconds, synchronised clocks differ by less, and every peer tolerates it. Seconds. */
const bearableS = 5;

/** Makes a measurement. @param wall milliseconds, of a clock that may jump @param steady of a monotonic clock */
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
        // The peer dated it at some moment of the exchange.
        const nowS = saidS + tookS / 2;
        const found = Math.round(nowS - wall() / 1_000);
        aheadS = Math.abs(found) <= bearableS + tookS / 2 ? 0 : found;
        return saidS < datedS - bearableS || saidS > datedS + tookS + bearableS;
      };
    },
  };
}
