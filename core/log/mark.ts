/**
 * Builds the markers under which a desk stores what we write, if it can store one. They derive from the action and its
 * destination, never from ids that our own database generated, so that a Ferry that was restored or cloned, or has lost
 * data, finds what it wrote: docs/decisions/0023.
 */
import { sha256Hex } from '#core/text/fingerprint.ts';

/** An action, identified by what its own desk reports. */
export type Recorded = {
  readonly origin: string;
  readonly entity: string;
  readonly ticket: string;
  readonly externalId: string;
  /** Instant of its creation, by its desk's clock. If a desk reuses an id after a restore, that is another action. */
  readonly at: string;
  /** Which edit of its text this is; absent or 0 for the original. */
  readonly edit?: number;
};

/** What is written about an action: the action itself, or the nth of several receipts with the same content. */
export type Writing =
  | { readonly what: 'action' }
  | { readonly what: 'receipt'; readonly outcome: string; readonly code: string; readonly nth: number };

/** Derives the mark of an action: 32 hex digits. */
export function markOf({ origin, entity, ticket, externalId, at, edit = 0 }: Recorded): string {
  const parsed = Date.parse(at);
  // Normalised, because a desk may format the instant in different ways.
  const instant = Number.isFinite(parsed) ? new Date(parsed).toISOString() : at;
  const parts = [origin, entity, ticket, externalId, instant, ...(edit === 0 ? [] : [edit])];
  return sha256Hex(JSON.stringify(parts)).slice(0, 32);
}

/** Where it is written: one action may reach two tickets of a desk through two links. */
export type Destination = {
  /** Id of the link. It survives a restore; a mirror's id may not. */
  readonly link: string;
  /** Id of the instance. */
  readonly receiver: string;
};

/**
 * Derives the common prefix of the markers of one delivery's steps: a UUID of version 7, which connectors may pack.
 * @param mark of the action; for an action from another gateway, its origin and the id it has there
 */
export function markerBase(mark: string, { link, receiver }: Destination, writing: Writing): string {
  const told = writing.what === 'action' ? [] : [writing.outcome, writing.code, writing.nth];
  return uuidOf(sha256Hex(JSON.stringify([writing.what, mark, link, receiver, ...told])));
}

/**
 * Derives the prefix as earlier versions did, without the link: older writes carry it at their desks.
 * @param mark of the action; for an action from another gateway, only its id
 */
export function markerBaseOnce(mark: string, receiver: string, writing: Writing): string {
  const named =
    writing.what === 'action'
      ? `${mark}\n${receiver}`
      : JSON.stringify([writing.what, mark, receiver, writing.outcome, writing.code, writing.nth]);
  return uuidOf(sha256Hex(named));
}

export function stepMarker(base: string, step: number): string {
  return `${base}-${step}`;
}

/** Returns the prefix of a step's marker. */
export function baseOf(marker: string): string {
  return marker.replace(/-\d{1,3}$/, '');
}

function uuidOf(hex: string): string {
  const variant = (0x8 | (Number.parseInt(hex.charAt(16), 16) & 0x3)).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `7${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
