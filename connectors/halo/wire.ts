/**
 * Halo's own words: what its API answers, as far as Ferry reads it. Halo publishes no response schemas, so these ask for
 * little, let everything else pass, and take a number where it may come as text.
 */
import { z } from 'zod';
import { unexpectedShape } from '#connectors/kit/json.ts';
import type { JsonOptions } from '#connectors/kit/json.ts';

const whole = z.union([
  z.number().int(),
  z
    .string()
    .regex(/^-?\d{1,15}$/)
    .transform(Number),
]);
const text = z.string().nullish();
const flag = z.union([z.boolean(), z.literal([0, 1]).transform(Boolean)]).nullish();

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
  /** What Halo writes as `actionby_application_id` for us; the client id when absent. */
  applicationId: z.string().optional(),
  rate: z
    .object({ requests: z.number().int().positive(), windowMs: z.number().int().positive() })
    .nullable()
    .optional(),
  concurrency: z.number().int().positive().optional(),
  settleMs: z.number().int().nonnegative().optional(),
  overlapMs: z.number().int().nonnegative().optional(),
  writeTimeoutMs: z.number().int().positive().optional(),
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
  /** Names of statuses that count as closed, where Halo does not say so. */
  closedStatuses: z.array(z.string()).optional(),
});

export type HaloCredentials = z.infer<typeof haloCredentials>;
export type HaloOptions = z.infer<typeof haloOptions>;

export const tokenReply = z.object({ access_token: z.string().min(1), expires_in: z.number().optional() });
export const authInfo = z.object({ auth_url: z.string(), tenant_id: text });

const scalar = z.union([z.string(), z.number(), z.boolean()]);
/** Options may come as ids or as whole records; a form nobody knows counts as no value. */
const option = z.union([scalar, z.object({ id: whole }).transform(({ id }) => id)]);
const fieldValue = z
  .union([option, z.array(option)])
  .nullish()
  .catch(null);

const customField = z.object({
  id: whole,
  name: z.string(),
  value: fieldValue,
  display: text,
});

export const attachment = z.object({
  id: whole,
  ticket_id: whole.optional(),
  action_id: whole.nullish(),
  filename: z.string(),
  content_type: text,
  filesize: whole.nullish(),
  note: text,
});

export const ticket = z.object({
  id: whole,
  summary: text,
  details: text,
  details_html: text,
  status_id: whole,
  tickettype_id: whole,
  priority_id: whole.nullish(),
  client_id: whole.nullish(),
  client_name: text,
  user_id: whole.nullish(),
  user_name: text,
  user_email: text,
  category_1: text,
  supplier_name: text,
  supplier_id: whole.nullish(),
  supplier_reference: text,
  thirdparty_url: text,
  third_party_id_string: text,
  startdate: text,
  targetdate: text,
  merged_into_id: whole.nullish(),
  dateoccurred: text,
  last_update: text,
  lastactiondate: text,
  customfields: z.array(customField).nullish(),
  attachments: z.array(attachment).nullish(),
});

export const action = z.object({
  id: whole,
  ticket_id: whole,
  outcome: text,
  note: text,
  note_html: text,
  emailbody_html: text,
  hiddenfromuser: flag,
  sendemail: flag,
  emailto: text,
  who: text,
  who_agentid: whole.nullish(),
  actionby_agent_id: whole.nullish(),
  actionby_user_id: whole.nullish(),
  actionby_application_id: z.union([z.string(), z.number().transform(String)]).nullish(),
  datetime: text,
  actiondatecreated: text,
  guid: text,
  old_status: whole.nullish(),
  new_status: whole.nullish(),
  new_status_name: text,
  new_supplier_id: whole.nullish(),
  new_category1: text,
  new_priority: whole.nullish(),
  customfields: z.array(customField).nullish(),
  attachments: z.array(attachment).nullish(),
  sync_to_halo_api: whole.nullish(),
  issystem: flag,
});

export const ticketList = z.object({ record_count: whole.optional(), tickets: z.array(ticket) });
export const actionList = z.object({ record_count: whole.optional(), actions: z.array(action) });
export const attachmentList = z.object({ attachments: z.array(attachment) });

export const statuses = z.array(z.object({ id: whole, name: z.string(), closed: flag, sequence: whole.nullish() }));
export const categories = z.array(z.object({ id: whole, value: z.string(), type_id: whole.nullish() }));
export const priorities = z.array(
  z.object({ id: whole.optional(), priorityid: whole.nullish(), name: z.string(), ishidden: flag }),
);
export const ticketTypes = z.array(
  z.object({
    id: whole,
    name: z.string(),
    allowall_actions: flag,
    allowall_status: flag,
    allowed_actions: z.array(z.object({ key2_name: text, name: text })).nullish(),
    allowed_status: z.array(z.object({ status_name: text })).nullish(),
  }),
);
export const outcomes = z.array(
  z.object({
    id: whole,
    outcome: z.string(),
    hidden: flag,
    hidefromuser: flag,
    sendemail: flag,
    sendemail_via_api: flag,
    newstatus: whole.nullish(),
    systemuse: z.unknown().optional(),
    default_send_to_halo: z.union([whole, z.boolean().transform(Number)]).nullish(),
  }),
);
export const fieldInfos = z.array(
  z.object({
    id: whole,
    name: z.string(),
    label: text,
    type: whole,
    inputtype: whole.nullish(),
    characterlimit: whole.nullish(),
    values: z.array(z.object({ id: whole, name: z.string() })).nullish(),
  }),
);
const named = z.object({ id: whole, name: z.string(), inactive: flag });
export const clients = z.object({ clients: z.array(named) });
export const suppliers = z.object({ suppliers: z.array(named) });
export const sites = z.object({ sites: z.array(named.extend({ client_id: whole.nullish() })) });
export const teams = z.array(named);
export const agents = z.array(z.object({ id: whole, name: z.string(), email: text, isdisabled: flag }));
export const me = z.object({ id: whole });
export const users = z.object({
  users: z.array(named.extend({ emailaddress: text, client_id: whole.nullish(), site_id: whole.nullish() })),
});

export type Ticket = z.infer<typeof ticket>;
export type HaloAction = z.infer<typeof action>;
export type HaloAttachment = z.infer<typeof attachment>;
export type HaloUser = z.infer<typeof users>['users'][number];
export type FieldInfo = z.infer<typeof fieldInfos>[number];
export type Outcome = z.infer<typeof outcomes>[number];
export type WireValue = z.infer<typeof fieldValue>;
export type Schema<T> = z.ZodType<T>;

/** The value as the schema has it. Throws HelpdeskError, never with what was in the reply. */
export function decode<T>(schema: Schema<T>, value: unknown, options: JsonOptions): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw unexpectedShape(options, result.error.issues[0]?.path.join('.') ?? '');
}
