/**
 * The words of Ferry. Code, tables, API and docs use each of them with exactly this meaning.
 *
 * - Instance: one helpdesk installation, with an id such as `acme` and a type that a connector's manifest names.
 * - Catalogue: what an instance offers (statuses, categories, types, fields, action kinds) and what matters about each.
 * - Link: the agreement between a customer instance and a supplier instance. Tickets open only from customer to
 *   supplier.
 * - Side: one end of a link, with the settings that this end's owner controls.
 * - Ref: instance, entity and external id of a record. Entity: the type of record, in that system's own word, such as
 *   `ticket` or `Contact`; it is part of every key that names a record. (Kind alone is the action kind.)
 * - Mirror: a pair of tickets on a link, opened by an escalation. Lane: one direction of a mirror.
 * - Action: one immutable fact that somebody recorded on a ticket. Its constant part is fixed when it leaves its
 *   origin; its words (kind, status, category, type, priority, fields) and `via` are the sender's and change at each
 *   hop.
 * - Audience of a note: `team` stays in its desk, `desks` is for agents of both sides, `user` for the end user too.
 * - Origin: the instance where an action first happened. Via: the instances it has passed.
 * - Mapping: the receiving side's rules. Verdict: apply, skip, refuse or hold. Command: what to do, in the receiver's
 *   words.
 * - Delivery: the intent to bring one action or one receipt down a lane. Attempt: one try. Outcome: how it ended.
 * - Receipt: the outcome as it is reported to the origin side.
 * - Write: one change Ferry makes in a helpdesk, promised in the database before it is made.
 * - Echo: our write, seen again. Consequence: what a helpdesk's automation did because of our write.
 * - Courier: carries the deliveries of one instance. Watcher: reads what is new in instances.
 */

export const audiences = ['team', 'desks', 'user'] as const;
export type Audience = (typeof audiences)[number];

export const sideNames = ['customer', 'supplier'] as const;
export type SideName = (typeof sideNames)[number];

/** The name of a connector, as in its manifest, or `peer` or `api` (core/words/reach.ts). */
export type InstanceType = string;

/** The result of the last contact with an instance; see db/schema/instances.ts. */
export type InstanceState = 'up' | 'down' | 'auth' | 'key' | 'other';

export const linkModes = ['shadow', 'live'] as const;
export type LinkMode = (typeof linkModes)[number];

/** One record. Ids of different entities are independent: contact 12 and ticket 12 of an instance are two records. */
export type Ref = {
  readonly instance: string;
  /** The system's own word for this type of record. */
  readonly entity: string;
  readonly externalId: string;
};

/** How a note shows in the desk where it was written; `unknown` is treated as private. */
export type Visibility = 'visible' | 'hidden' | 'unknown';

/** The choice an agent makes in the helpdesk for one action, such as Halo's "Send to Connected Instance". */
export type SendTo = 'none' | 'supplier' | 'customer';

/**
 * Absent, null and "" differ: not mentioned, cleared, and an empty text. Instants are ISO 8601 in UTC, dates
 * YYYY-MM-DD.
 */
export type FieldValue = string | number | boolean | readonly string[] | null;

export type Person = {
  readonly name: string;
  readonly email?: string;
  /** `service` is our own account; `automation` is the helpdesk itself. */
  readonly role: 'agent' | 'user' | 'service' | 'automation';
};

export type Attachment = {
  /** Id in the helpdesk that holds it; inline images are referred to in the note as `cid:<id>`. */
  readonly id: string;
  readonly name: string;
  readonly type: string | null;
  readonly sizeBytes: number | null;
  readonly inline: boolean;
  /** Lower-case hex; null until the file is staged. */
  readonly sha256: string | null;
};

/** What the action changed, in the words of the sending desk. An absent key was not changed. */
export type Words = {
  readonly kind: string | null;
  readonly status?: string;
  readonly category?: string | null;
  readonly type?: string | null;
  readonly priority?: string | null;
  readonly summary?: string;
  readonly fields: Readonly<Record<string, FieldValue>>;
};

/** The part of a ticket that an action changes. */
export type Changed = Omit<Words, 'kind' | 'type'>;

/** What a ticket should be after a command. */
export type Meant = {
  readonly all: Changed;
  /** The part that is not written, because the ticket already had these values at the last read. */
  readonly assumed: Changed;
};

/** The part of an action that never changes once it has left its origin. */
export type ConstantPart = {
  readonly id: string;
  readonly origin: string;
  readonly author: Person;
  /** Instant, UTC. */
  readonly at: string;
  readonly audience: Audience;
  /** Sanitised HTML, or null when the action has no note. */
  readonly note: string | null;
  readonly attachments: readonly Attachment[];
};

export type Action = ConstantPart & {
  readonly words: Words;
  readonly via: readonly string[];
  /** The choice made in the helpdesk for this action; absent if the helpdesk has none. */
  readonly sendTo?: SendTo;
  /** True if an automation or a bulk operation made it, for guards that care. */
  readonly automated?: boolean;
  /** The desk mailed somebody outside when it was recorded; absent if unknown. */
  readonly mailed?: boolean;
};

/** Tickets elsewhere that a ticket names, one per line: number, then address and marker if there are any. */
export type References = {
  /** Tickets it was opened for. */
  readonly customers: readonly string[];
  /** Tickets opened for it. */
  readonly suppliers: readonly string[];
};

/** A ticket as it was when last read. */
export type TicketSnapshot = {
  readonly ticketId: string;
  /** What people call it: `NW-123`, `#42`. */
  readonly number: string;
  readonly url: string;
  readonly summary: string;
  /** Sanitised HTML of the first description. */
  readonly description: string;
  readonly status: string;
  readonly closed: boolean;
  readonly category: string | null;
  readonly type: string | null;
  readonly priority: string | null;
  readonly fields: Readonly<Record<string, FieldValue>>;
  /** Name of the account it belongs to: Halo customer, RT queue. */
  readonly account: string | null;
  readonly requester: Person | null;
  /** For conditional writes, where the helpdesk has them. */
  readonly version?: string;
  /** Tickets elsewhere that this ticket names; absent if the helpdesk does not show them. */
  readonly references?: References;
};

export const fieldTypes = ['text', 'html', 'number', 'boolean', 'date', 'datetime', 'option', 'options'] as const;
export type FieldType = (typeof fieldTypes)[number];

export type CatalogueStatus = { readonly name: string; readonly closed: boolean };
export type CatalogueField = {
  readonly name: string;
  readonly type: FieldType;
  readonly options?: readonly string[];
  /** Longest text it accepts, characters; absent if there is no limit or it is unknown. */
  readonly maxLength?: number;
};
export type CatalogueKind = {
  readonly name: string;
  /** Hidden from the desk's own end users by default. */
  readonly hidden: boolean;
  /** Mails somebody when Ferry uses it through the API. */
  readonly mails: boolean;
  /** Marked in the helpdesk itself as going to a connected instance, so using it could send back. */
  readonly sends: SendTo;
  /** The status that the kind sets by itself. */
  readonly status: string | null;
  /** Changes something without a note, as RT's `Status` does: it is applied without a row. */
  readonly bare?: boolean;
};
/** A property of the ticket itself that must have a value; `other`: one that no setting fills. */
export type RequiredOwn = {
  readonly of: 'category' | 'priority' | 'team' | 'other';
  /** What the desk calls it. */
  readonly name: string;
};

/** A step of a workflow that allows only these action kinds. */
export type CatalogueStep = { readonly name: string; readonly kinds: readonly string[] };

export type CatalogueType = {
  readonly name: string;
  /** Absent: no restriction. */
  readonly kinds?: readonly string[];
  readonly statuses?: readonly string[];
  /** Steps of its workflow that restrict kinds further; absent: none known. */
  readonly steps?: readonly CatalogueStep[];
  /** Fields without which the desk accepts no new ticket of this type; absent: none known. */
  readonly required?: readonly string[];
  /** The same for properties that are not fields. */
  readonly requiredOwn?: readonly RequiredOwn[];
};

/** What a desk does by itself after an action of a kind, or once a ticket comes into a status. */
export type CatalogueAutomation = {
  readonly name: string;
  readonly on: { readonly kind: string } | { readonly status: string };
  /** Uses an action kind, sets a status, mails the ticket's user. */
  readonly does: { readonly kind?: string; readonly status?: string; readonly mailsUser?: boolean };
};

export type Catalogue = {
  readonly statuses: readonly CatalogueStatus[];
  readonly categories: readonly string[];
  readonly types: readonly CatalogueType[];
  readonly priorities: readonly string[];
  readonly fields: readonly CatalogueField[];
  readonly kinds: readonly CatalogueKind[];
  /** Halo customers and suppliers, RT queues. */
  readonly accounts: readonly string[];
  readonly teams: readonly string[];
  /** Absent: the desk does not show them. */
  readonly automations?: readonly CatalogueAutomation[];
  /** Which files the desk accepts; absent: no limit is known. */
  readonly files?: {
    /** False: no files at all. */
    readonly taken: boolean;
    /** Size of one file, bytes. */
    readonly maxBytes?: number;
  };
  /** Accounts whose tickets the product itself exchanges with another instance; absent: none known. */
  readonly syncing?: readonly string[];
};

export type Reason = {
  /** Stable; see reasons.ts. */
  readonly code: string;
  /** For people: what happened, why, what to do. */
  readonly text: string;
};

/** The far ticket to name. `beside`: lines of the same field that name other tickets, and are kept. */
export type SupplierReference = {
  readonly number: string;
  readonly url: string;
  readonly beside?: readonly string[];
};

/** What the receiving helpdesk is to do, in its own words. */
export type Command = {
  /** Null while the ticket is still to be opened. */
  readonly ticketId: string | null;
  /** Present exactly if the ticket is to be opened. */
  readonly open?: {
    readonly summary: string;
    readonly account: string;
    readonly site?: string;
    readonly team?: string;
    readonly type?: string;
    /** Who asks; matched by e-mail, else name, else the connector's stand-in of that account. */
    readonly requester: { readonly name: string; readonly email?: string };
    /** The far ticket, for the receiving desk's own reference fields. */
    readonly farNumber: string;
    readonly farUrl: string;
  };
  /** Action kind to use; null: the connector's plain note. */
  readonly kind: string | null;
  /** Sanitised HTML; inline images as `cid:<attachment id>`. */
  readonly note: string | null;
  readonly visibility: 'visible' | 'hidden';
  /** True only if a mapping row says so; nothing else mails anybody. */
  readonly mailsUser: boolean;
  /** Shown as the author: `Ann Lee (Northwind)`, or a local account if `people` maps one. */
  readonly author: { readonly display: string; readonly localAccount?: string };
  /** Instant, UTC, when the origin recorded it. */
  readonly at: string;
  readonly status?: string;
  readonly category?: string | null;
  readonly priority?: string | null;
  readonly summary?: string;
  readonly fields: Readonly<Record<string, FieldValue>>;
  readonly attachments: readonly Attachment[];
  /**
   * Set by the receipt of an escalation: the far ticket's number and URL, for the supplier reference; null clears it.
   */
  readonly supplierReference?: SupplierReference | null;
};

export type Verdict =
  | {
      readonly kind: 'apply';
      readonly command: Command;
      readonly drops: readonly Reason[];
      readonly meant?: Meant;
    }
  | { readonly kind: 'skip'; readonly reason: Reason }
  | { readonly kind: 'refuse'; readonly reason: Reason }
  | { readonly kind: 'hold'; readonly reason: Reason };

export const outcomes = ['applied', 'skipped', 'refused'] as const;
export type Outcome = (typeof outcomes)[number];
