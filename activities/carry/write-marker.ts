/** The name under which a helpdesk keeps a write of ours, where it keeps one. */
import { createHash } from 'node:crypto';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import { isReceived } from './what-leaves.ts';

/**
 * Of what a peer sent it depends on the action alone, so that a gateway restored from a backup, which gives the same
 * action a new delivery, finds what it wrote before. In the form of a version 7 UUID, which connectors may pack.
 */
export function markerOf(context: DeliveryContext, step: number): string {
  const { delivery, action } = context;
  if (delivery.kind !== 'action' || !isReceived(context)) return `${delivery.id}-${step}`;
  const hex = createHash('sha256').update(`${action.id}\n${delivery.to}`).digest('hex');
  const variant = (0x8 | (Number.parseInt(hex.charAt(16), 16) & 0x3)).toString(16);
  const uuid = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `7${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
  return `${uuid}-${step}`;
}

/** One of the two gateways was restored since it was recorded: it may have been written before. */
export function mayBeWritten(context: DeliveryContext): boolean {
  return isBeforeResumed(context) && isReceived(context);
}

/** One of the two gateways was restored since it was recorded: the other may have it under another id. */
export function mayBeSent(context: DeliveryContext): boolean {
  return isBeforeResumed(context) && !isReceived(context);
}

function isBeforeResumed({ delivery, action, mirror }: DeliveryContext): boolean {
  if (mirror.resumedAt === null || delivery.kind !== 'action') return false;
  return Date.parse(action.at) <= Date.parse(mirror.resumedAt) + clockSkewMs;
}

/** Instant before which it can't have been written here. */
export function surelyBefore({ action }: DeliveryContext): string {
  return new Date(Date.parse(action.at) - clockSkewMs).toISOString();
}

/** The other side's clock may be ahead. */
const clockSkewMs = 5 * 60_000;
