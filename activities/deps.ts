/** The dependencies of the activities; the worker wires them. */
import type { BlobStore } from '#blobs/store.ts';
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import type { Report } from '#core/words/attempt.ts';
import type { NotifyTarget } from '#core/rules/settings.ts';
import type { InstanceType } from '#core/words/vocabulary.ts';
import type { WireAction } from '#core/wire.ts';
import type { Client } from '#db/base/client.ts';
import type { NothingNew } from '#db/log/nothing-new.ts';
import type { PromiseWrite } from '#db/carry/promise-writes.ts';
import type { VersionCache } from '#db/settings/settings-in-force.ts';
import type { Together } from '#db/log/together.ts';
import type { Wake } from '#db/carry/couriers.ts';
import type { Texts } from '#text-worker/texts.ts';
import type { Bells } from './bells.ts';
import type { DeskClock } from './desk/clocks.ts';
import type { Peers } from './exchange/peers.ts';

export type DrivenDesk = {
  readonly instance: string;
  readonly name: string;
  readonly type: InstanceType;
  /** Version of the settings that it was created from. */
  readonly version: number;
  readonly helpdesk: Helpdesk;
  /** Measures how far its clock differs from ours; absent if nobody does. */
  readonly clock?: DeskClock;
};

/** The connectors of the instances, recreated when an instance changes. */
export type Desks = {
  /** Throws HelpdeskError if it can't be reached, or if another helpdesk answers at its address. */
  of(instance: string): Promise<DrivenDesk>;
  /** Called after trouble: the next caller of `of` first checks which helpdesk answers. */
  doubt(instance: string): void;
};

/** A structural subset of pino's. */
export type Log = {
  info(detail: object, text: string): void;
  warn(detail: object, text: string): void;
  error(detail: object, text: string): void;
};

export type Tell = (notice: {
  readonly link: string;
  readonly text: string;
  readonly count: number;
  readonly cleared: boolean;
  readonly to: readonly NotifyTarget[];
}) => Promise<void>;

export type Limits = {
  /** Actions a link may carry per minute; further ones only wait. */
  readonly linkPerMinute: number;
  /** Largest attachment, bytes. */
  readonly attachmentBytes: number;
  /** Space that must stay free on the disk, bytes. */
  readonly leastFreeBytes: number;
  /** Attachments of one instance staged in parallel in this process. */
  readonly staging: number;
  /** How long an idle drain lingers, milliseconds. */
  readonly lingerMs: number;
  /** How long one drain lasts at most, milliseconds. */
  readonly drainMs: number;
  readonly pollMs: number;
};

export const standardLimits: Limits = {
  linkPerMinute: 300,
  attachmentBytes: 512 * 1024 * 1024,
  leastFreeBytes: 512 * 1024 * 1024,
  staging: 3,
  lingerMs: 20_000,
  drainMs: 5 * 60_000,
  pollMs: 15_000,
};

/** Signs what an instance of ours sends, with its key for `provenance`. */
export type Signer = {
  /** @param text the canonical constant part; @param issuer of the instance */
  sign(instance: string, issuer: string, text: string): Promise<{ readonly signature: string; readonly key: WireKey }>;
};
type WireKey = NonNullable<WireAction['key']>;

export type WorkDeps = {
  /** The URL at which others reach this gateway; without one it has no peers. */
  readonly publicUrl: string | undefined;
  readonly peers: Peers;
  readonly signer: Signer;
  readonly db: Client;
  /** Logs several tickets in one transaction. */
  readonly together: Together;
  /** Tells whether the database still has what it had a second ago; asked before anything is carried. */
  isWhole(): Promise<boolean>;
  readonly promiseWrite: PromiseWrite;
  readonly nothingNew: NothingNew;
  readonly cache: VersionCache;
  readonly desks: Desks;
  readonly blobs: BlobStore;
  /** Free space on the disk of `blobs`, bytes. */
  freeBytes(): Promise<number>;
  readonly texts: Texts;
  readonly bells: Bells;
  readonly wake: Wake;
  readonly tell: Tell;
  /** For observers outside. */
  readonly report: Report;
  readonly log: Log;
  readonly limits: Limits;
  /** Share of this worker's activity slots that is free, 0 to 1; idle drains yield when few are. */
  slotsFree(): number;
};

/** The supervisor of the work: Temporal, or the sweeper that has taken over. */
export type ActivityRun = {
  /** Aborted when the work has to stop. */
  readonly signal: AbortSignal;
  /** Reports that the work is alive, because the database has just answered it. */
  heartbeat(): void;
};
