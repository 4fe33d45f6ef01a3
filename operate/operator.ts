/**
 * The operator: the acting person or program, and the dependencies of all verbs. Functions of connectors and of other
 * gateways are passed in, because this folder imports neither.
 */
import type { Would } from '#core/conversation/would.ts';
import type { SideSettings } from '#core/rules/settings.ts';
import type { ObservedAction } from '#core/words/desk.ts';
import type { Catalogue, SideName, TicketSnapshot } from '#core/words/vocabulary.ts';
import type { WireLink } from '#core/wire.ts';
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import type { Checked, Mapped, Trial } from '#connectors/contract/check.ts';
import { keyId, openSecret, sealSecret } from '#config/secrets.ts';
import type { AuditActor } from '#db/base/audit.ts';
import type { Client } from '#db/base/client.ts';
import type { Sealer } from '#db/base/content.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import { notifyLanes } from '#db/carry/couriers.ts';
import type { Open, Seal } from '#db/links/keys.ts';
import type { PeerRow } from '#db/links/peers.ts';
import { notifyHints } from '#db/log/hint.ts';
import type { ApplyDeps, CatalogueTarget } from './apply/types.ts';
import { Refused } from './refused.ts';

/** The roles of an actor; rights.ts says which roles a verb requires. */
export type Role = 'viewer' | 'operator' | 'admin';

export type Actor = AuditActor & {
  readonly roles: readonly Role[];
  /** Links that the actor may see and change. */
  readonly reach: 'all' | readonly string[];
};

export type Operator = {
  readonly db: Client;
  readonly actor: Actor;
  /** Seals a secret. Throws if this operator has no key. */
  readonly seal: Seal;
  /** Opens a secret. Throws if this operator has no key, or not the one that sealed. */
  readonly open: Open;
  /** The name of the key that seals; undefined if this operator has none. */
  readonly secretKeyId: string | undefined;
  /** Seals and opens contents; null if they are stored in plain text. */
  readonly sealer: Sealer | null;
  /** Wakes the couriers of these instances. Never throws, because the sweeper wakes them within seconds anyway. */
  readonly wake: (instances: readonly string[]) => Promise<void>;
  /** The URL at which others reach this gateway, without a trailing slash; undefined if others can't reach it. */
  readonly publicUrl: string | undefined;
};

/** For verbs that ask helpdesks what they offer. */
export type Helpdesks = Omit<ApplyDeps, 'open' | 'env' | 'readSecretFile'>;
export type HelpdeskOperator = Operator & { readonly helpdesks: Helpdesks };

/** For verbs that read tickets. Throws HelpdeskError for wrong credentials or options. */
export type DeskOf = (target: CatalogueTarget) => Promise<Helpdesk>;
export type DeskOperator = Operator & { readonly deskOf: DeskOf };

/** For the verb that checks a helpdesk: its probes; null for a type whose connector has none. */
export type CheckOf = (
  target: CatalogueTarget,
  mapped: Mapped,
  /** Null for a check that only reads. */
  trial: Omit<Trial, 'open'> | null,
) => Promise<Checked | null>;
export type CheckOperator = Operator & { readonly checkOf: CheckOf };

/** Settings by `<link>/<side>`, and catalogues by instance, to use instead of those in force. */
export type AsIf = {
  readonly sides: ReadonlyMap<string, SideSettings>;
  readonly catalogues: ReadonlyMap<string, Catalogue>;
};

/** For verbs that preview: decides a delivery as the courier would, and stores nothing. */
export type PreviewOperator = HelpdeskOperator & {
  /** Decides. @param asThen as if nothing had happened at the receiving desk since the action was recorded */
  readonly wouldOf: (
    context: DeliveryContext,
    options: { readonly asIf?: AsIf; readonly asThen: boolean; readonly signal: AbortSignal },
  ) => Promise<Would>;
  /** Reads a ticket from its desk, with sanitised notes; null if it does not exist. Throws HelpdeskError. */
  readonly readTicket: (
    instance: string,
    ticket: string,
    signal: AbortSignal,
  ) => Promise<{ readonly snapshot: TicketSnapshot; readonly actions: readonly ObservedAction[] } | null>;
};

/** Requests to the other gateway of a link. All throw HelpdeskError. */
export type PeerCalls = {
  link(signal: AbortSignal): Promise<WireLink>;
  /** Returns the highest accepted seq of each lane to that side, page by page. */
  lanes(
    at: SideName,
    after: string | null,
    signal: AbortSignal,
  ): Promise<{
    readonly lanes: readonly { readonly mirror: string; readonly accepted: number }[];
    readonly next: string | null;
  }>;
  /** Tells it to end its half. */
  close(text: string | undefined, signal: AbortSignal): Promise<void>;
};

/** For verbs that call other gateways. */
export type Peers = {
  calls(peer: PeerRow): PeerCalls;
  /** Checks whether Ferry may call an issuer; throws HelpdeskError. */
  checkUrl(issuer: string): Promise<unknown>;
  /** Reads an origin's published key set; throws HelpdeskError. */
  publishedKeys(origin: string): Promise<unknown>;
  readonly signatures: Signatures;
};
export type PeerOperator = Operator & { readonly peers: Peers };

/** Verifies an origin's signature. */
export type Signatures = {
  /** Returns the claimed signer; null if the text is not a signature. */
  signerOf(signature: string): { readonly kid: string; readonly issuer: string } | null;
  isSignedBy(text: string, signature: string, key: Readonly<Record<string, unknown>>): Promise<boolean>;
};

export type OperatorSetting = {
  readonly db: Client;
  readonly actor: Actor;
  /** 32 bytes each; the first seals, all open. */
  readonly secretKeys: readonly Uint8Array[];
  readonly publicUrl?: string | undefined;
  /** Of the connection. */
  readonly sealer?: Sealer | null;
};

export function createOperator({ db, actor, secretKeys, publicUrl, sealer = null }: OperatorSetting): Operator {
  return {
    db,
    actor,
    publicUrl,
    sealer,
    secretKeyId: secretKeys[0] === undefined ? undefined : keyId(secretKeys[0]),
    async seal(plain, context) {
      const [key] = secretKeys;
      if (key === undefined) throw new Error('there is no key to seal secrets with');
      return sealSecret(plain, context, key);
    },
    open: (sealed, context) => openSecret(sealed, context, secretKeys),
    async wake(instances) {
      await notifyLanes(db, instances).catch(() => undefined);
      await notifyHints(db).catch(() => undefined);
    },
  };
}

/** Makes an actor with all rights, because a person with the database and its keys could do everything directly. */
export function unlimited(actor: AuditActor): Actor {
  return { ...actor, roles: ['admin'], reach: 'all' };
}

/** Returns the URL at which others reach this gateway. @throws Refused no-public-url */
export function publicUrlOf({ publicUrl }: Operator): string {
  if (publicUrl !== undefined) return publicUrl;
  throw new Refused(
    'no-public-url',
    'setup',
    'this gateway has no public URL, so nobody can call it; set FERRY_PUBLIC_URL to the URL at which others reach it, for gateway, worker and this command, and restart them',
  );
}
