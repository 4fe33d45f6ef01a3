/** What a links file asks for once it is checked, and what applying needs from outside. */
import type { LiveFrom } from '#connectors/contract/go-live.ts';
import type { Manifest } from '#connectors/contract/manifest.ts';
import type { LinkSettings, SideSettings } from '#core/rules/settings.ts';
import type { Catalogue, InstanceType, SideName, TicketSnapshot } from '#core/words/vocabulary.ts';
import type { StoredCatalogue, StoredFederation, StoredInstance } from '#db/settings/settings.ts';
import type { MirroredTicket } from '#db/settings/which-desk.ts';
import type { Raw } from './merge.ts';

/** What the database has before. */
export type Stored = {
  readonly federation: StoredFederation;
  readonly catalogues: ReadonlyMap<string, StoredCatalogue>;
  /** Instances on whose tickets something is mirrored, or may be again. */
  readonly mirrored: ReadonlySet<string>;
  /** Of the instances that are said to have moved. */
  readonly mirroredTickets: ReadonlyMap<string, readonly MirroredTicket[]>;
};

/** Another helpdesk in an instance's place, or the same one elsewhere. `lost`: tickets that were not found again. */
export type DeskChange = {
  readonly id: string;
  readonly kind: 'moved' | 'replaced';
  readonly before: string | null;
  readonly identity: string | null;
  readonly lost: readonly MirroredTicket[];
};

export type WantedInstance = {
  readonly id: string;
  readonly type: InstanceType;
  readonly name: string;
  readonly url: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** In the clear; they leave this process only sealed. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly hookSecret: string | null;
};

export type WantedSide = {
  readonly link: string;
  readonly name: SideName;
  readonly instance: string;
  readonly profile: string | null;
  readonly own: Raw;
  /** With the profile's keys and all defaults. */
  readonly settings: SideSettings;
};

export type Wanted = {
  readonly instances: readonly WantedInstance[];
  readonly profiles: ReadonlyMap<string, Raw>;
  readonly links: ReadonlyMap<string, LinkSettings>;
  readonly sides: readonly WantedSide[];
  /** Read from the helpdesks just now, by instance. */
  readonly catalogues: ReadonlyMap<string, Catalogue>;
  readonly desks: readonly DeskChange[];
};

/** What a type of helpdesk needs to be told, as its connector's own schemas say. */
export type TypeRules = Pick<Manifest, 'credentials' | 'options'>;

export type CatalogueTarget = Pick<WantedInstance, 'id' | 'type' | 'url' | 'credentials' | 'options'> & {
  /** By `ferry check`, where there was one at this URL. */
  readonly learned?: StoredInstance['learned'] | undefined;
};

export type ApplyDeps = {
  /** Types that this version has a connector for. */
  readonly types: readonly string[];
  /** Null for a type without a connector. */
  rulesOf(type: InstanceType): TypeRules | null;
  /** Asks the helpdesk itself; throws HelpdeskError. */
  readCatalogue(target: CatalogueTarget, signal: AbortSignal): Promise<Catalogue>;
  /** Where it is now, which is where it begins; throws HelpdeskError. Absent: its first look says. */
  liveFrom?(target: CatalogueTarget, signal: AbortSignal): Promise<LiveFrom>;
  /** Which helpdesk it is, as `Helpdesk.identity`; throws HelpdeskError. Absent: that is not asked. */
  readIdentity?(target: CatalogueTarget, signal: AbortSignal): Promise<string | null>;
  /** Null where it has no such ticket; throws HelpdeskError. */
  readTicket?(target: CatalogueTarget, ticketId: string, signal: AbortSignal): Promise<TicketSnapshot | null>;
  /** Throws when it can't be opened. */
  open(sealed: string, context: string): Promise<string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Throws when it can't be read; secrets only. */
  readSecretFile(path: string): Promise<string>;
};

/** Where `{ env: NAME }` and `{ file: path }` look. */
export type SecretSource = Pick<ApplyDeps, 'env' | 'readSecretFile'>;

/** Names the row and column of a secret, as openSecret wants it again. */
export function credentialsContext(instance: string): string {
  return `instances/${instance}/credentials`;
}
