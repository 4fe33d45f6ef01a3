/**
 * The names by which a desk keeps what we write, where it can keep one. They are made of what was said and where it goes,
 * never of what our own database has made up, so that a Ferry that was restored, cloned or has forgotten finds what it
 * wrote: docs/decisions/0023.
 */
import { sha256Hex } from '#core/text/fingerprint.ts';

/** An action as its own desk tells it. */
export type Recorded = {
  readonly origin: string;
  readonly entity: string;
  readonly ticket: string;
  readonly externalId: string;
  /** Instant of its creation, by its desk's clock: an id that a desk gives again after a restore is another action. */
  readonly at: string;
  /** The nth time that its text was changed; absent or 0: as it was first recorded. */
  readonly edit?: number;
};

/** What is written of an action. Of receipts that tell the same of it, the nth. */
export type Writing =
  | { readonly what: 'action' }
  | { readonly what: 'receipt'; readonly outcome: string; readonly code: string; readonly nth: number };

/** 32 hex digits. */
export function markOf({ origin, entity, ticket, externalId, at, edit = 0 }: Recorded): string {
  const parsed = Date.parse(at);
  // However the desk writes the instant.
  const instant = Number.isFinite(parsed) ? new Date(parsed).toISOString() : at;
  const parts = [origin, entity, ticket, externalId, instant, ...(edit === 0 ? [] : [edit])];
  return sha256Hex(JSON.stringify(parts)).slice(0, 32);
}

/** Where it is written: one action may come to two tickets of a desk, by two links. */
export type Destination = {
  /** Id of the link: it is the same after a restore, as a mirror's need not be. */
  readonly link: string;
  /** Id of the instance. */
  readonly receiver: string;
};

/**
 * What the markers of all steps of one delivery begin with, in the form of a version 7 UUID, which connectors may pack.
 * @param mark of the action; of one that came from another gateway its origin and the id that this gave it
 */
export function markerBase(mark: string, { link, receiver }: Destination, writing: Writing): string {
  const told = writing.what === 'action' ? [] : [writing.outcome, writing.code, writing.nth];
  return uuidOf(sha256Hex(JSON.stringify([writing.what, mark, link, receiver, ...told])));
}

/**
 * As it was before the link was part of it: what was written then is at its desk under this.
 * @param mark of what came from another gateway its id alone
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

/** What a step's marker begins with. */
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
