/** What became of a key that was rotated or retired, as a line. */
import type { RetiredKey } from '#operate/keys/retire.ts';
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

export function reinstatedLine(kid: string, origin: string): string {
  return `${origin}: what the key ${kid} signs is taken again. What was refused meanwhile has to be sent again.`;
}

export function retiredLine(kid: string, retired: RetiredKey): string {
  if ('origin' in retired)
    return `${retired.origin}: nothing new that the key ${kid} signs is taken. What it signed before stays, and ferry verify still shows it.`;
  const { instance, use, next } = retired;
  const after =
    next === null
      ? 'another key signs already'
      : `key ${next.kid} signs from now on; for some minutes others may not know it, and Ferry tries again`;
  return `${instance} ${use}: key ${kid} has left the key set; ${after}.`;
}
