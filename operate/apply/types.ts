/** The result of checking a links file, and the dependencies of applying it. */
import type { LiveFrom } from '#connectors/contract/go-live.ts';
import type { Manifest } from '#connectors/contract/manifest.ts';
import type { LinkSettings, SideSettings } from '#core/rules/settings.ts';
import type { Catalogue, InstanceType, SideName, TicketSnapshot } from '#core/words/vocabulary.ts';
import type { StoredCatalogue, StoredFederation, StoredInstance } from '#db/settings/settings.ts';
import type { MirroredTicket } from '#db/settings/which-desk.ts';
import type { Raw } from './merge.ts';

/** The state of the database before the change. */
export type Stored = {
  readonly federation: StoredFederation;
  readonly catalogues: ReadonlyMap<string, StoredCatalogue>;
  /** Instances whose tickets are mirrored, or may be again. */
  readonly mirrored: ReadonlySet<string>;
  /** For the instances that moved, according to the user. */
  readonly mirroredTickets: ReadonlyMap<string, readonly MirroredTicket[]>;
};

/** A different helpdesk for an instance, or the same one at a new address. `lost`: tickets that were not found again. */
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
  /** In plain text; they leave this process only sealed. */
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

/** The settings that a type of helpdesk needs, from its connector's schemas. */
export type TypeRules = Pick<Manifest, 'credentials' | 'options'>;

export type CatalogueTarget = Pick<WantedInstance, 'id' | 'type' | 'url' | 'credentials' | 'options'> & {
  /** From `ferry check`, if somebody ran it at this URL. */
  readonly learned?: StoredInstance['learned'] | undefined;
};

export type ApplyDeps = {
  /** Types that this version has a connector for. */
  readonly types: readonly string[];
  /** Null for a type without a connector. */
  rulesOf(type: InstanceType): TypeRules | null;
  /** Asks the helpdesk itself; throws HelpdeskError. */
  readCatalogue(target: CatalogueTarget, signal: AbortSignal): Promise<Catalogue>;
  /** Returns its current position, from which Ferry starts; throws HelpdeskError. If absent, its first reading decides. */
  liveFrom?(target: CatalogueTarget, signal: AbortSignal): Promise<LiveFrom>;
  /** Returns its identity, as `Helpdesk.identity`; throws HelpdeskError. If absent, it is not asked. */
  readIdentity?(target: CatalogueTarget, signal: AbortSignal): Promise<string | null>;
  /** Reads a ticket; null if it does not exist; throws HelpdeskError. */
  readTicket?(target: CatalogueTarget, ticketId: string, signal: AbortSignal): Promise<TicketSnapshot | null>;
  /** Throws when it can't be opened. */
  open(sealed: string, context: string): Promise<string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Throws when it can't be read; secrets only. */
  readSecretFile(path: string): Promise<string>;
};

/** The sources of `{ env: NAME }` and `{ file: path }`. */
export type SecretSource = Pick<ApplyDeps, 'env' | 'readSecretFile'>;

/** Names the row and column of a secret; openSecret needs the same name. */
export function credentialsContext(instance: string): string {
  return `instances/${instance}/credentials`;
}
