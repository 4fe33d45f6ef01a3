/** What every part of the twin receives: the desk, its clock, its files and its way to announce changes. */
import type { Unseen } from './unseen.ts';
import type { Profile } from './profiles.ts';
import type { Store } from './store.ts';

export const hookEvents = [
  'new ticket logged',
  'ticket updated',
  'ticket status changed',
  'ticket closed',
  'ticket deleted',
  'new action',
] as const;
export type HookEvent = (typeof hookEvents)[number];

export interface Announcement {
  readonly event: HookEvent;
  readonly ticketId: number;
  readonly actionIds: readonly number[];
}

export interface Desk {
  readonly name: string;
  readonly profile: Profile;
  readonly mailbox: string;
  readonly firstTicketId: number;
  readonly store: Store;
  /** The folder for attachments, one file each, named by id. */
  readonly blobs: string;
  /** Milliseconds since the epoch. */
  now(): number;
  /** The address at which this desk answers, without a trailing slash. */
  baseUrl(): string;
  /** Calls webhooks after the current write has been committed. */
  announce(announcement: Announcement): void;
  /** What was written and does not show in the API yet. */
  readonly unseen: Unseen;
  /** Runs something later, unless the desk is closed first. */
  later(ms: number, work: () => void): void;
}

/** The switches of a write, which an API caller sets on each element. */
export interface Switches {
  readonly noRules: boolean;
  readonly preventOutgoing: boolean;
  readonly noValidate: boolean;
}

/** Reads the switches of one element of a POST. */
export function switchesOf(element: Readonly<Record<string, unknown>>): Switches {
  return {
    noRules: element._dont_fire_automations === true || element.dont_do_rules === true,
    preventOutgoing: element._prevent_outgoing === true,
    noValidate: element._novalidate === true,
  };
}

export const noSwitches: Switches = { noRules: false, preventOutgoing: false, noValidate: false };
