/**
 * Halo's own words: what its API answers, as far as Ferry reads it. Halo publishes no response schemas, and builds differ:
 * these ask for what a row is nothing without, take numbers as text and text as numbers, and a property of a shape that
 * nobody knows counts as absent.
 */
import { z } from 'zod';
import { commonFacts } from '#connectors/kit/learned.ts';
import { unexpectedShape } from '#connectors/kit/json.ts';
import type { JsonOptions } from '#connectors/kit/json.ts';

const whole = z.union([
  z.number().int(),
  z
    .string()
    .regex(/^-?\d{1,15}$/)
    .transform(Number),
]);
/** A number in most lists, a UUID in some. */
const key = z.union([whole, z.string().min(1).max(100)]);
const text = z
  .union([z.string(), z.number().transform(String)])
  .nullish()
  .catch(null);
const number = whole.nullish().catch(null);
/** Flags come as booleans, as 0 and 1, as numbers of which any but 0 is yes, and as words. */
const flag = z
  .union([
    z.boolean(),
    whole.transform((value) => value !== 0),
    z
      .string()
      .regex(/^(?:true|false)$/i)
      .transform((value) => value.toLowerCase() === 'true'),
  ])
  .nullish()
  .catch(null);

/** What a row is called: nothing without it; a name of digits may come as a number. */
const called = z.union([z.string(), z.number().transform(String)]);

/** Secrets and addresses of one API application in Halo ("Client ID and Secret (Services)"). */
export const haloCredentials = z.object({
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
  /** Hosted Halos want it; learnt from `/api/authinfo` when absent. */
  tenant: z.string().min(1).optional(),
  /** Such as `https://acme.halopsa.com/auth`; learnt from `/api/authinfo` when absent. */
  authUrl: z.url().optional(),
});

/** What may be set for one Halo; durations in milliseconds. */
export const haloOptions = z.object({
  /** The agent our application logs in as; learnt from Halo when it is needed and absent. */
  agentId: z.number().int().positive().optional(),
  /** What Halo writes as `actionby_application_id` for us, its name there; learnt from our first write when absent. */
  applicationId: z.string().optional(),
  rate: z
    .object({ requests: z.number().int().positive(), windowMs: z.number().int().positive() })
    .nullable()
    .optional(),
  concurrency: z.number().int().positive().optional(),
  settleMs: z.number().int().nonnegative().optional(),
  overlapMs: z.number().int().nonnegative().optional(),
  writeTimeoutMs: z.number().int().positive().optional(),
  /** How long after a creation without an answer the new ticket may still show up. */
  readableAfterMs: z.number().int().nonnegative().optional(),
  noteMaxBytes: z.number().int().min(1000).optional(),
  /** Halo's spec names no limits of these; where an installation has one, it is said here. */
  subjectMaxLength: z.number().int().min(20).optional(),
  fieldMaxLength: z.number().int().min(20).optional(),
  fileMaxBytes: z.number().int().positive().optional(),
  catalogueTtlMs: z.number().int().nonnegative().optional(),
  scope: z.string().optional(),
  /** By account: e-mail or name of the user who stands for requesters that are not there. */
  standIns: z.record(z.string(), z.string()).optional(),
  /** Action kinds for notes that name none. */
  plainKinds: z.object({ visible: z.string().optional(), hidden: z.string().optional() }).optional(),
  /** Names of statuses that count as closed, where Halo's filter for open ones does not tell them. */
  closedStatuses: z.array(z.string()).optional(),
});

/** What a check finds out about a Halo. Each is absent until one did. */
export const haloFacts = commonFacts.extend({
  agentId: z.number().int().positive().optional().catch(undefined),
  applicationId: z.string().min(1).optional().catch(undefined),
  /** Rows that a page has at most. */
  pageCap: z.number().int().positive().optional().catch(undefined),
  ordersByChange: z.boolean().optional().catch(undefined),
  excludesClosed: z.boolean().optional().catch(undefined),
  /** Which filter leaves out tickets that have not changed since, or were not logged since. */
  changedBy: z.enum(['lastupdatefromdate', 'last_update', 'none']).optional().catch(undefined),
  loggedBy: z.enum(['dateoccured', 'dateoccurred', 'none']).optional().catch(undefined),
  /** Requests that it takes within five minutes, in its own words. */
  requestLimit: z.number().int().min(10).optional().catch(undefined),
  /** Whether the `guid` of an action is kept. */
  keepsMarker: z.boolean().optional().catch(undefined),
});

export type HaloCredentials = z.infer<typeof haloCredentials>;
export type HaloOptions = z.infer<typeof haloOptions>;

export const tokenReply = z.object({
  access_token: z.string().min(1),
  expires_in: whole.optional().catch(undefined),
  scope: text,
});
/** A reply as it came. */
export const anything = z.unknown();
export const authInfo = z.object({ auth_url: z.string(), tenant_id: text });

const scalar = z.union([z.string(), z.number(), z.boolean()]);
/** Options come as ids, as names, or as whole records; a form nobody knows counts as no value. */
const option = z.union([
  scalar,
  z.object({ id: key }).transform(({ id }) => id),
  z.object({ name: z.string() }).transform(({ name }) => name),
]);
const fieldValue = z
  .union([option, z.array(z.unknown()).transform((all) => all.flatMap((one) => option.safeParse(one).data ?? []))])
  .nullish()
  .catch(null);

/** The rows of a list within a record that can be read. */
function some<T extends z.ZodType>(row: T) {
  return z
    .array(z.unknown())
    .transform((rows) => rows.flatMap((one) => row.safeParse(one).data ?? []))
    .nullish()
    .catch(null);
}

const customField = z.object({ id: key, name: text, value: fieldValue, display: text });

export const attachment = z.object({
  id: key,
  ticket_id: number,
  action_id: number,
  filename: text,
  content_type: text,
  filesize: number,
  isimage: flag,
  note: text,
});

/** A row of the list of tickets, as little of it as a list surely has. */
export const ticketRow = z.object({
  id: whole,
  summary: text,
  last_update: text,
  lastactiondate: text,
  dateoccurred: text,
  third_party_id_string: text,
});

export const ticket = ticketRow.extend({
  details: text,
  details_html: text,
  status_id: whole,
  tickettype_id: number,
  priority_id: number,
  sla_id: number,
  client_id: number,
  client_name: text,
  user_id: number,
  user_name: text,
  user_email: text,
  category_1: text,
  supplier_name: text,
  supplier_id: number,
  supplier_reference: text,
  client_reference: text,
  startdate: text,
  targetdate: text,
  merged_into_id: number,
  deleted: flag,
  customfields: some(customField),
});

export const action = z.object({
  id: whole,
  ticket_id: number,
  outcome: text,
  outcome_id: number,
  note: text,
  note_html: text,
  emailbody_html: text,
  hiddenfromuser: flag,
  sendemail: flag,
  emailto: text,
  who: text,
  who_type: number,
  who_agentid: number,
  actionby_agent_id: number,
  actionby_user_id: number,
  actionby_application_id: text,
  datetime: text,
  actiondatecreated: text,
  guid: text,
  old_status: number,
  new_status: number,
  new_status_name: text,
  new_supplier_id: number,
  new_category1: text,
  new_priority: number,
  merged_from_ticketid: number,
  customfields: some(customField),
  attachments: some(attachment),
  sync_to_halo_api: number,
});

export const status = z.object({ id: whole, name: called });
export const category = z.object({ id: key, value: called, type_id: number });
export const priority = z.object({ id: key, priorityid: number, slaid: number, name: called, ishidden: flag });
export const ticketType = z.object({ id: whole, name: called });
/** A place in a type's form. */
const formField = z.object({
  fieldname: text,
  technew: number,
  fieldinfo: z
    .object({ name: text, label: text, faults_field_name: text, custom: number, mandatory: flag })
    .nullish()
    .catch(null),
});
/** A type with what its workflow allows and its form asks for; lists have neither. */
export const ticketTypeDetails = z.object({
  id: whole,
  allowall_actions: flag,
  allowall_status: flag,
  allowed_actions: some(z.object({ key2_name: text, name: text })),
  allowed_status: some(z.object({ status_name: text })),
  /** What a new ticket gets that comes without. */
  default_priority: text,
  default_category_1: text,
  default_category_2: text,
  default_category_3: text,
  default_category_4: text,
  default_team: text,
  default_impact: text,
  default_estimate: text,
  default_targetdate: text,
  /** Single fields, and groups of them. */
  fields: some(
    formField.extend({
      group: z
        .object({ fields: some(formField) })
        .nullish()
        .catch(null),
    }),
  ),
});
export const outcome = z.object({
  id: whole,
  outcome: called,
  hidden: flag,
  hidefromuser: flag,
  sendemail: flag,
  newstatus: number,
  systemid: number,
  default_send_to_halo: flag,
});
export const fieldInfo = z.object({
  id: key,
  name: called,
  label: text,
  type: whole,
  inputtype: number,
  characterlimit: number,
  values: some(z.object({ id: key, name: called })),
});
const named = z.object({ id: whole, name: called, inactive: flag });
/** With the address of another Halo where it exchanges tickets with one by itself. */
const account = named.extend({ thirdpartynhdapiurl: text });
export const client = account;
export const supplier = account;
export const team = named;
export const site = named.extend({ client_id: number });
export const agent = z.object({ id: whole, name: called, email: text });
export const me = z.object({ id: whole });
export const user = named.extend({ emailaddress: text, client_id: number, site_id: number });
export const link = z.object({ link: z.string().min(1).max(8000) });

export type Ticket = z.infer<typeof ticket>;
export type TicketRow = z.infer<typeof ticketRow>;
export type HaloAction = z.infer<typeof action>;
export type HaloAttachment = z.infer<typeof attachment>;
export type HaloUser = z.infer<typeof user>;
export type FieldInfo = z.infer<typeof fieldInfo>;
export type Named = z.infer<typeof named>;
export type Account = z.infer<typeof account>;
export type Agent = z.infer<typeof agent>;
export type Priority = z.infer<typeof priority>;
export type TicketType = z.infer<typeof ticketType>;
export type Outcome = z.infer<typeof outcome>;
export type TypeDetails = z.infer<typeof ticketTypeDetails>;
export type WireValue = z.infer<typeof fieldValue>;
export type Schema<T> = z.ZodType<T>;

/** The value as the schema has it. Throws HelpdeskError, never with what was in the reply. */
export function decode<T>(schema: Schema<T>, value: unknown, options: JsonOptions): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw unexpectedShape(options, result.error.issues[0]?.path.join('.') ?? '');
}
