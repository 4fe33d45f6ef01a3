/**
 * What goes over the wire to RT's REST2 and comes back, as far as Ferry looks at it; and the options and credentials of
 * an RT instance. RT writes numbers as numbers or as strings, as it happens.
 */
import { z } from 'zod';

const name = z.string().trim().min(1).max(200);
const ms = z.int().min(0).max(3_600_000);

/** RT's default lifecycle. REST2 of RT 5.0 does not tell statuses, so other lifecycles are named in the options. */
const defaultStatuses = [
  { name: 'new', closed: false },
  { name: 'open', closed: false },
  { name: 'stalled', closed: false },
  { name: 'resolved', closed: true },
  { name: 'rejected', closed: true },
];

export const optionsSchema = z.strictObject({
  /** Only tickets of these queues are watched; absent: all that the service user may see. */
  queues: z.array(name).min(1).max(100).optional(),
  /** Select custom field that is the ticket's category. */
  categoryField: name.optional(),
  /** Custom field in which a ticket that Ferry opened carries its far ticket, and by which Ferry finds it again. */
  remoteRefField: name.default('RemoteRef'),
  /** Custom field for number and address of the ticket at the supplier. */
  supplierRefField: name.default('SupplierRef'),
  statuses: z
    .array(z.strictObject({ name, closed: z.boolean() }))
    .min(1)
    .default(defaultStatuses),
  /** Names of priorities and their numbers; RT's own default. */
  priorities: z.record(name, z.int()).default({ Low: 0, Medium: 50, High: 100 }),
  /** Requester of last resort: name or e-mail address of an RT user. */
  standIn: name.optional(),
  /** Time zone of the service user, where it is not set in RT; setup.pl sets it to UTC. */
  timezone: name.optional(),
  /** RT's MaxAttachmentSize, where it drops or truncates longer files. */
  fileMaxBytes: z.int().min(1).optional(),
  /** How late a change may be committed after its time was taken. */
  overlapMs: ms.default(60_000),
  settleMs: ms.default(5_000),
  writeTimeoutMs: ms.min(1_000).default(60_000),
  concurrency: z.int().min(1).max(16).default(3),
});

export type RtOptions = z.output<typeof optionsSchema>;

export const credentialsSchema = z.strictObject({
  /** `1-<user id>-<hex>`, as setup.pl or RT's page of the user prints it. */
  token: z.string().regex(/^\d+-\d+-[0-9a-zA-Z]+$/, 'an RT token looks like 1-46-7b70…'),
});

/** Ids arrive as numbers or strings. */
const id = z.union([z.string().regex(/^\d+$/), z.number().transform(String)]);
/** RT leaves out, nulls or empties what it does not have. */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const userRef = z.looseObject({ id: z.union([z.string(), z.number().transform(String)]) });

export const sentencesSchema = z.array(z.string().nullable());
export const createdSchema = z.looseObject({ id });

export const userSchema = z.looseObject({
  Name: z.string(),
  RealName: text,
  EmailAddress: text,
  Privileged: z.union([z.number(), z.string()]).optional(),
  Timezone: text,
});

export const fieldValuesSchema = z.looseObject({
  id,
  name: z.string(),
  /** Pictures and files are objects; they are not carried. */
  values: z.array(z.unknown()),
});

export const ticketSchema = z.looseObject({
  id,
  Subject: text,
  Status: z.string(),
  Priority: z.union([z.string(), z.number().transform(String)]).nullish(),
  Queue: z.looseObject({ id, Name: z.string().optional() }),
  Requestor: z.array(userRef).default([]),
  CustomFields: z.array(fieldValuesSchema).default([]),
});

export const transactionSchema = z.looseObject({
  id,
  Type: z.string(),
  Created: z.string(),
  Creator: userRef,
  Field: text,
  OldValue: text,
  NewValue: text,
  NewReference: text,
});

export const feedItemSchema = z.looseObject({ id, ObjectId: id, Created: z.string() });

export const partSchema = z.looseObject({
  id,
  TransactionId: id,
  ContentType: text,
  Filename: text,
  /** Of the part around it, where it was asked for and there is one. */
  Parent: z
    .union([z.looseObject({ id }).transform((part) => part.id), z.string(), z.number().transform(String)])
    .nullish()
    .transform((value) => value ?? undefined),
  Headers: text,
  Content: text,
  ContentLength: z.union([z.string(), z.number().transform(String)]).nullish(),
});

export const fieldDefinitionSchema = z.looseObject({
  id,
  Name: z.string(),
  Type: z.string(),
  MaxValues: z.union([z.string(), z.number().transform(String)]).nullish(),
  Disabled: z.union([z.string(), z.number().transform(String)]).nullish(),
});

/** Of a field that bears the mark of its RT. */
export const markedFieldSchema = z.looseObject({ id, Name: z.string(), Description: z.string().nullish() });

export const fieldSchema = z.looseObject({
  Values: z.array(z.union([z.string(), z.looseObject({ name: z.string() })])).default([]),
});
/** What our user may do with a record shows in the links that RT gives along with it. */
export const linkedSchema = z.looseObject({
  _hyperlinks: z.array(z.looseObject({ ref: z.string(), to: z.string().optional() })).default([]),
});
/** With the fields that its tickets have; RT leaves them out where we may see none. */
export const linkedQueueSchema = linkedSchema.extend({
  TicketCustomFields: z.array(z.looseObject({ name: z.string() })).default([]),
});
export const queueSchema = z.looseObject({
  id,
  Name: z.string(),
  Disabled: z.union([z.string(), z.number().transform(String)]).nullish(),
});
export const versionSchema = z.looseObject({ Version: z.string() });
export const foundPartSchema = z.looseObject({ id });
export const foundUserSchema = userRef;
export const foundTicketSchema = z.looseObject({ id });
export const hintSchema = z.looseObject({ ticket: id });

export type Schema<T> = z.ZodType<T>;

export function pageOf<T>(item: Schema<T>) {
  return z.looseObject({ items: z.array(item) });
}

export type RtTicket = z.output<typeof ticketSchema>;
export type RtTransaction = z.output<typeof transactionSchema>;
export type RtPart = z.output<typeof partSchema>;
