/**
 * Who does something to Ferry, and what the verbs of this folder work with. What verbs need of connectors and of other
 * gateways is passed in: this folder knows neither.
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

/** What somebody may do: rights.ts says which roles a verb wants. */
export type Role = 'viewer' | 'operator' | 'admin';

export type Actor = AuditActor & {
  readonly roles: readonly Role[];
  /** Links that it may see and touch. */
  readonly reach: 'all' | readonly string[];
};

export type Operator = {
  readonly db: Client;
  readonly actor: Actor;
  /** Throws where this operator was given no key. */
  readonly seal: Seal;
  /** Throws where this operator was given no key, or not the one that sealed. */
  readonly open: Open;
  /** The name of the key that seals; undefined where this operator was given none. */
  readonly secretKeyId: string | undefined;
  /** Of contents; null where they are kept as they are. */
  readonly sealer: Sealer | null;
  /** What waits for these instances is looked at within a moment. Never throws: the sweeper looks within seconds anyway. */
  readonly wake: (instances: readonly string[]) => Promise<void>;
  /** At which others reach this gateway, without a trailing slash; undefined where nobody does. */
  readonly publicUrl: string | undefined;
};

/** For verbs that ask helpdesks what they offer. */
export type Helpdesks = Omit<ApplyDeps, 'open' | 'env' | 'readSecretFile'>;
export type HelpdeskOperator = Operator & { readonly helpdesks: Helpdesks };

/** For verbs that read tickets. Throws HelpdeskError for credentials or options that are wrong. */
export type DeskOf = (target: CatalogueTarget) => Promise<Helpdesk>;
export type DeskOperator = Operator & { readonly deskOf: DeskOf };

/** For the verb that checks a helpdesk: its probes; null for a type whose connector has none. */
export type CheckOf = (
  target: CatalogueTarget,
  mapped: Mapped,
  /** Null: it only reads. */
  trial: Omit<Trial, 'open'> | null,
) => Promise<Checked | null>;
export type CheckOperator = Operator & { readonly checkOf: CheckOf };

/** What is to count as in force instead of what is: settings by `<link>/<side>`, catalogues by instance. */
export type AsIf = {
  readonly sides: ReadonlyMap<string, SideSettings>;
  readonly catalogues: ReadonlyMap<string, Catalogue>;
};

/** For verbs that preview: what carrying would make of a delivery, with nothing of it kept anywhere. */
export type PreviewOperator = HelpdeskOperator & {
  /** @param asThen as if nothing had happened at the receiving desk since the action was recorded */
  readonly wouldOf: (
    context: DeliveryContext,
    options: { readonly asIf?: AsIf; readonly asThen: boolean; readonly signal: AbortSignal },
  ) => Promise<Would>;
  /** A ticket as its desk shows it now, its notes made safe; null where it has none. Throws HelpdeskError. */
  readonly readTicket: (
    instance: string,
    ticket: string,
    signal: AbortSignal,
  ) => Promise<{ readonly snapshot: TicketSnapshot; readonly actions: readonly ObservedAction[] } | null>;
};

/** What is asked of the other gateway of a link. All throw HelpdeskError. */
export type PeerCalls = {
  link(signal: AbortSignal): Promise<WireLink>;
  /** The highest seq taken in of each lane to that side, page by page. */
  lanes(
    at: SideName,
    after: string | null,
    signal: AbortSignal,
  ): Promise<{
    readonly lanes: readonly { readonly mirror: string; readonly accepted: number }[];
    readonly next: string | null;
  }>;
  /** It ends its half. */
  close(text: string | undefined, signal: AbortSignal): Promise<void>;
};

/** For verbs that speak with other gateways. */
export type Peers = {
  calls(peer: PeerRow): PeerCalls;
  /** Whether an issuer may be called; throws HelpdeskError. */
  checkUrl(issuer: string): Promise<unknown>;
  /** The key set that an origin publishes now, as it answers; throws HelpdeskError. */
  publishedKeys(origin: string): Promise<unknown>;
  readonly signatures: Signatures;
};
export type PeerOperator = Operator & { readonly peers: Peers };

/** How what an origin has signed is checked. */
export type Signatures = {
  /** Who claims to have signed; null where it is no signature. */
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

/** An actor that nothing is refused to: whoever can open the database and its keys could do all of it by hand. */
export function unlimited(actor: AuditActor): Actor {
  return { ...actor, roles: ['admin'], reach: 'all' };
}

/** At which others reach this gateway. @throws Refused no-public-url */
export function publicUrlOf({ publicUrl }: Operator): string {
  if (publicUrl !== undefined) return publicUrl;
  throw new Refused(
    'no-public-url',
    'setup',
    'this gateway has no public URL, so nobody could call it; set FERRY_PUBLIC_URL to the URL at which others reach it, for gateway, worker and this command, and start them again',
  );
}
