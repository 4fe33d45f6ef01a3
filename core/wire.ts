/**
 * The API between two gateways as schemas of its bodies. The receiver validates with them; the OpenAPI document is
 * generated from them; docs/protocol.md explains them. Unknown keys are ignored, so that a newer peer can send more.
 * Instances are named by issuer URL, since ids such as `acme` are local to each gateway.
 */
import { z } from 'zod';
import { ticketEntity } from './words/ref.ts';
import { audiences, outcomes, type FieldValue, type Ref } from './words/vocabulary.ts';

export const wireVersion = 1;

/** Limits of what is accepted; docs/protocol.md repeats them. Lengths in characters, sizes in bytes. */
export const wireLimits = {
  actionsPerBatch: 50,
  bodyBytes: 1024 * 1024,
  noteLength: 256 * 1024,
  name: 255,
  summary: 4_096,
  text: 8_192,
  fields: 200,
  attachments: 50,
  via: 16,
  /** Of a lane's seqs: far more than any ticket needs, and small enough to be counted exactly. */
  seq: 2 ** 48,
  /** How far a seq may lie beyond the one sent before it. */
  seqStep: 2 ** 31,
  attachmentBytes: 512 * 1024 * 1024,
  /** Actions that one erasure names. */
  erasedActions: 1_000,
} as const;

/** PostgreSQL accepts neither NUL nor half of a surrogate pair. */
const safe = (longest: number) =>
  z
    .string()
    .max(longest)
    .refine((text) => !text.includes('\u0000') && text.isWellFormed(), { error: 'has characters that no text has' });
const name = safe(wireLimits.name).min(1);
const text = safe(wireLimits.text);

export const wireInstance = z.url({ protocol: /^https?$/ }).max(2_048);
export const wireId = z.uuid();
export const wireDigest = z.string().regex(/^[0-9a-f]{64}$/);
/** Instant, UTC, within years that PostgreSQL, JavaScript and people can all read. */
export const wireInstant = z.iso
  .datetime({ offset: true })
  .refine((at) => Date.parse(at) > Date.UTC(1970, 0, 1) && Date.parse(at) < Date.UTC(2200, 0, 1), {
    error: 'is not an instant between 1970 and 2200',
  });
const seq = z.int().min(1).max(wireLimits.seq);

export const wireReason = z.object({ code: z.string().regex(/^[a-z0-9-]{1,64}$/), text });

export const wirePerson = z.object({
  name: safe(wireLimits.name),
  email: safe(320).optional(),
  role: z.enum(['agent', 'user', 'service', 'automation']),
});

/** A file whose bytes are at `PUT /v1/attachments/{sha256}`; the note's `cid:` refers to `id`. */
export const wireAttachment = z.object({
  id: safe(wireLimits.name).min(1),
  name: safe(wireLimits.name),
  type: safe(wireLimits.name).nullable(),
  sizeBytes: z.int().min(0).max(wireLimits.attachmentBytes),
  inline: z.boolean(),
  sha256: wireDigest,
});

/** The part that is fixed when the action leaves its origin: hashed, signed, compared. */
export const wireConstant = z.object({
  id: wireId,
  origin: wireInstance,
  author: wirePerson,
  at: wireInstant,
  audience: z.enum(audiences),
  note: safe(wireLimits.noteLength).nullable(),
  attachments: z.array(wireAttachment).max(wireLimits.attachments),
});

const fieldValue: z.ZodType<FieldValue> = z.union([
  text,
  z.number(),
  z.boolean(),
  z.array(safe(wireLimits.name)).max(200),
  z.null(),
]);

/** The sender's own words; an absent key was not changed. */
export const wireWords = z.object({
  kind: name.nullable(),
  status: name.optional(),
  category: name.nullable().optional(),
  type: name.nullable().optional(),
  priority: name.nullable().optional(),
  summary: safe(wireLimits.summary).optional(),
  fields: z
    .record(name, fieldValue)
    .refine((fields) => Object.keys(fields).length <= wireLimits.fields, { error: 'has too many fields' })
    .default({}),
});

/** The sender's ticket: what people call it, its URL, and whether it is closed. */
export const wireTicket = z.object({
  id: name,
  /** What type of record it is, in its system's own word. Omitted for `ticket`, as gateways without this key do. */
  entity: name.optional(),
  number: name,
  url: safe(2_048),
  closed: z.boolean(),
});

/** Position in the sender's lane: `seq`, and the seq sent before it, 0 for the first. */
const place = { seq, after: z.int().min(0).max(wireLimits.seq) };

export const wireAction = z.object({
  ...place,
  constant: wireConstant,
  /** JWS over the canonical constant part by the origin, without its payload: `header..signature`. */
  signature: z
    .string()
    .max(2_048)
    .regex(/^[\w-]+\.\.[\w-]+$/)
    .optional(),
  /** The origin's public key for the signature, in case the receiver does not know the origin. */
  key: z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string().max(64), kid: name }).optional(),
  words: wireWords,
  via: z.array(wireInstance).max(wireLimits.via),
  /** The sending desk mailed somebody about it. */
  mailed: z.boolean().default(false),
  /** What was left out before sending. */
  drops: z.array(wireReason).max(100).default([]),
  /** 32 hex digits, the same at every hop. */
  trace: z.string().regex(/^[0-9a-f]{32}$/),
  /** It was held or set aside and released later, so it may arrive after higher seqs. */
  late: z.boolean().default(false),
  /** The sender was restored from a backup since: the receiver may already have it under another id. */
  again: z.boolean().default(false),
  ticket: wireTicket,
  /** Present if it opens a ticket, or is a second attempt to open one. */
  escalation: z
    .object({
      summary: safe(wireLimits.summary),
      requester: z.object({ name: safe(wireLimits.name), email: safe(320).optional() }).optional(),
    })
    .optional(),
});

export const wireReceipt = z.object({
  ...place,
  /** The action that the receipt reports on. */
  action: wireId,
  /** Whose action it is: ids are each origin's own. Gateways before this key leave it out, and mean the first of that id. */
  origin: wireInstance.optional(),
  outcome: z.enum(outcomes),
  reason: wireReason,
  drops: z.array(wireReason).max(100).default([]),
  /** The receiver's ticket, once it exists. */
  ticket: wireTicket.nullable().default(null),
  /** When the receiver accepted the action and when it ended there, by that side's clock. */
  acceptedAt: wireInstant,
  endedAt: wireInstant,
  attempts: z.int().min(0).default(0),
});

export const wireBatch = z.object({ actions: z.array(wireAction).min(1).max(wireLimits.actionsPerBatch) });
export const wireReceipts = z.object({ receipts: z.array(wireReceipt).min(1).max(wireLimits.actionsPerBatch) });

export const wireStatuses = ['accepted', 'duplicate', 'refused', 'deferred'] as const;

/** After `accepted`, `duplicate` and `refused` the batch continues; the first `deferred` ends it. */
export const wireResult = z.object({
  id: wireId,
  seq,
  status: z.enum(wireStatuses),
  /** Why it was refused or deferred. */
  reason: wireReason.optional(),
  retryAfterMs: z.int().min(0).max(86_400_000).optional(),
});

/**
 * `accepted`: the highest seq of this lane that was ever accepted; lower than before means that the receiver was
 * restored from a backup.
 */
export const wireAnswer = z.object({
  results: z.array(wireResult).max(wireLimits.actionsPerBatch),
  accepted: z.int().min(0).max(wireLimits.seq),
});

/** The state of one action at its receiver. */
export const wireStanding = z.object({
  id: wireId,
  trace: z.string(),
  outcome: z.enum(outcomes).nullable(),
  reason: z.object({ code: wireReason.shape.code }).nullable(),
  acceptedAt: wireInstant,
  endedAt: wireInstant.nullable(),
  attempts: z.int().min(0),
});

/** Whom to call if something is wrong. */
export const wireContact = z.object({
  name: safe(wireLimits.name),
  email: safe(320).optional(),
  phone: safe(64).optional(),
});

export const linkStates = ['pairing', 'active', 'suspended', 'quarantined', 'closing', 'closed'] as const;

/** The state of a link at one of its gateways. */
export const wireLink = z.object({
  link: name,
  state: z.enum(linkStates),
  reason: wireReason.nullable(),
  contact: wireContact.nullable(),
  now: wireInstant,
  /** Changes when the gateway's database is restored, cloned or moved. */
  fingerprint: safe(128),
  limits: z.object({
    bodyBytes: z.int(),
    attachmentBytes: z.int(),
    actionsPerBatch: z.int(),
    /** Of files that no action names yet, so of all files of one action too. Gateways before this key leave it out. */
    unreferencedBytes: z.int().optional(),
  }),
});

/** One result of a pairing's checks, from the side that made the check. */
export const wireCheck = z.object({ name: z.string().regex(/^[a-z-]{1,32}$/), ok: z.boolean(), text: safe(2_048) });

/** `POST /v1/pairing`: who holds the code, and how to reach them. */
export const wirePairing = z.object({
  code: z.string().regex(/^[\w-]{22,128}$/),
  issuer: wireInstance,
  /** The instance's name, for people. */
  name,
  /** The caller's own name for the link. */
  link: name,
  /** The side that the caller takes. */
  side: z.enum(['customer', 'supplier']),
  /** The client id under which the answering side calls the other gateway. */
  clientId: name,
  contact: wireContact.nullable().default(null),
  wireVersion: z.int().min(1),
  /** JWT by the issuer's client key over the code's hash, so that nobody can impersonate another issuer. */
  proof: z.string().max(4_096),
});

/** The answer: the same facts about the other side. */
export const wirePaired = z.object({
  issuer: wireInstance,
  name,
  link: name,
  clientId: name,
  contact: wireContact.nullable(),
  wireVersion: z.int().min(1),
});

/**
 * `POST /v1/link/checks`: the other side's results of a run, which then waits for ours; or only bytes to be counted.
 */
export const wireChecks = z.union([
  z.object({ run: wireId, checks: z.array(wireCheck).max(32) }),
  z.object({ padding: z.string() }),
]);
export const wireChecked = z.object({
  done: z.boolean(),
  checks: z.array(wireCheck).max(32),
  /** Size of the request's body. */
  bytes: z.int().min(0),
});

/** `POST /v1/link/close` */
export const wireClose = z.object({ text: text.optional() });

/**
 * `POST /v1/link/erasures`: asks to erase the content of these actions. Sending the same id again asks for the answer:
 * `waiting` until somebody there has decided.
 */
export const wireErase = z.object({ id: wireId, actions: z.array(wireId).min(1).max(wireLimits.erasedActions) });
export const wireErased = z.object({
  id: wireId,
  state: z.enum(['waiting', 'done', 'refused']),
  text: text.nullable().default(null),
});

export type WireErase = z.output<typeof wireErase>;
export type WireErased = z.output<typeof wireErased>;
export type WireCheck = z.output<typeof wireCheck>;
export type WirePairing = z.output<typeof wirePairing>;
export type WirePaired = z.output<typeof wirePaired>;
export type WireChecked = z.output<typeof wireChecked>;
export type WireAction = z.output<typeof wireAction>;
export type WireReceipt = z.output<typeof wireReceipt>;
export type WireResult = z.output<typeof wireResult>;
export type WireAnswer = z.output<typeof wireAnswer>;
export type WireConstant = z.output<typeof wireConstant>;
export type WireTicket = z.output<typeof wireTicket>;
export type WireContact = z.output<typeof wireContact>;
export type WireLink = z.output<typeof wireLink>;
export type WireStanding = z.output<typeof wireStanding>;
export type LinkState = (typeof linkStates)[number];

/** Names the ticket of an instance by its wire form. */
export function wireRef(instance: string, { entity = ticketEntity, id }: Pick<WireTicket, 'entity' | 'id'>): Ref {
  return { instance, entity, externalId: id };
}

/** Returns the `entity` key; none for `ticket`, so that requests are the same as before the key existed. */
export function wireEntity(entity: string): Pick<WireTicket, 'entity'> {
  return entity === ticketEntity ? {} : { entity };
}
