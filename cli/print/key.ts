/** What became of a key that was rotated, as a line. */
import type { RotatedKey } from '#operate/keys/rotate.ts';

/** @param now milliseconds since the epoch */
export function keyLine({ instance, use, kid, signsFrom }: RotatedKey, now: number): string {
  const minutes = Math.max(0, Math.round((Date.parse(signsFrom) - now) / 60_000));
  const old =
    use === 'provenance'
      ? 'the one before stays published, to verify with'
      : 'the one before goes a quarter of an hour after';
  return `${instance} ${use}: key ${kid} is published now and signs in ${minutes} minutes; ${old}.`;
}
