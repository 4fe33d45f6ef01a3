/** Lines that say what happened to a key that was rotated or retired. */
import type { RetiredKey } from '#operate/keys/retire.ts';
import type { RotatedKey } from '#operate/keys/rotate.ts';

/** Describes a rotated key. @param now milliseconds since the epoch */
export function keyLine({ instance, use, kid, signsFrom }: RotatedKey, now: number): string {
  const minutes = Math.max(0, Math.round((Date.parse(signsFrom) - now) / 60_000));
  const old =
    use === 'provenance'
      ? 'the previous key stays published, for verification'
      : 'the previous key is withdrawn 15 minutes later';
  return `${instance} ${use}: key ${kid} is published now and signs in ${minutes} minutes; ${old}.`;
}

export function reinstatedLine(kid: string, origin: string): string {
  return `${origin}: signatures of the key ${kid} are accepted again. What was refused meanwhile has to be sent again.`;
}

export function retiredLine(kid: string, retired: RetiredKey): string {
  if ('origin' in retired)
    return `${retired.origin}: new signatures of the key ${kid} are refused. Earlier ones stay valid, and ferry verify still shows them.`;
  const { instance, use, next } = retired;
  const after =
    next === null
      ? 'another key is already signing'
      : `key ${next.kid} signs from now on; for a few minutes other gateways may not know it, and Ferry retries`;
  return `${instance} ${use}: key ${kid} has left the key set; ${after}.`;
}
