/**
 * The settings of each side of a link. The schema is complete from the start; unknown keys are errors. Rows are lists,
 * not maps, so that two rules for one name can be found and reported.
 */
import { z } from 'zod';
import { audiences, linkModes } from '#core/words/vocabulary.ts';

const name = z.string().trim().min(1).max(255);

/** Maps a name the sender uses to the name this desk uses. */
const row = z.strictObject({ from: name, to: name });

export const kindDefault = 'action/ticket type default';

const actionRow = z.strictObject({
  from: name,
  to: name,
  /** Widens or narrows the note's audience. Absent: the note keeps the audience it arrived with, never more. */
  audience: z.enum(audiences).optional(),
  /** Lets the target kind mail the end user. */
  mailsUser: z.boolean().default(false),
  /** The status this row sets if the status map has no entry. */
  status: name.optional(),
});

const fieldRow = z.strictObject({
  from: name,
  to: name,
  /** `withActions`: only together with an action that is sent; `always`: a bare change of the field is carried too. */
  when: z.enum(['withActions', 'always']).default('withActions'),
  options: z.array(row).default([]),
});

export const inboundSchema = z.strictObject({
  statuses: z.array(row).default([]),
  /** The status of a ticket opened with an unmapped one: a name, or the action's or ticket type's own. */
  statusDefault: name.default(kindDefault),
  categories: z.array(row).default([]),
  priorities: z.array(row).default([]),
  fields: z.array(fieldRow).default([]),
  actions: z.array(actionRow).default([]),
  /** The action kind for unmapped ones. Absent: they are refused, with a receipt. */
  actionDefault: name.optional(),
  /** Maps a far person (e-mail or name) to the local account under which the note is shown. */
  people: z.array(row).default([]),
  /** At the supplier only. */
  ticketTypes: z.array(row).default([]),
  ticketTypeDefault: name.optional(),
});

/** A small pure condition over one action; see criteria.ts. */
export type Condition =
  | { readonly kind: string }
  | { readonly field: string; readonly equals: string }
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition };

export const conditionSchema: z.ZodType<Condition> = z.lazy(() =>
  z.union([
    z.strictObject({ kind: name }),
    z.strictObject({ field: name, equals: z.string().max(255) }),
    z.strictObject({ all: z.array(conditionSchema).min(1).max(20) }),
    z.strictObject({ any: z.array(conditionSchema).min(1).max(20) }),
    z.strictObject({ not: conditionSchema }),
  ]),
);

const templateRow = z.strictObject({
  /** Action kind the template is for; `*` for every escalating kind that has none. */
  kind: name,
  /** Text with {{note}}, {{summary}}, {{description}}, {{thread}}, {{number}}, {{url}}, {{agent}}, {{requester}}. */
  template: z.string().min(1).max(20_000),
});

export const outboundSchema = z.strictObject({
  /**
   * Action kinds that are sent to the other side. Nothing leaves unless it is named here or chosen in the helpdesk for
   * one action.
   */
  actions: z.array(name).default([]),
  /** What escalates a ticket; at the customer only. */
  escalates: conditionSchema.optional(),
  templates: z.array(templateRow).default([]),
  /** What an escalation includes besides its own note. */
  includes: z
    .strictObject({
      description: z.boolean().default(true),
      publicThread: z.boolean().default(false),
    })
    .default({ description: true, publicThread: false }),
  attachments: z.boolean().default(true),
  /** Whether the end user's own replies are sent to the other side. */
  userReplies: z.boolean().default(true),
  requester: z.enum(['hidden', 'name', 'name+email']).default('hidden'),
  quoted: z.enum(['drop', 'fold', 'keep']).default('fold'),
  /** Whether what arrives from the other side is relayed to this ticket's other mirrors. */
  relay: z.enum(['none', 'all']).default('none'),
});

export const accountSchema = z.strictObject({
  /** The record in this desk that represents the other side: Halo customer or supplier, RT queue. */
  name,
  site: name.optional(),
  team: name.optional(),
  /** Requester of last resort at the supplier: name or e-mail of a user of this account. */
  standIn: name.optional(),
});

export const sideSchema = z.strictObject({
  account: accountSchema,
  inbound: inboundSchema.prefault({}),
  outbound: outboundSchema.prefault({}),
});

const address = z.url({ protocol: /^https?$/ }).max(2048);

export const notifySchema = z.strictObject({
  /** Receives JSON in Ferry's own format. */
  webhook: address.optional(),
  mail: z.email().optional(),
  /** An incoming webhook of Slack. */
  slack: address.optional(),
  /** A webhook of Microsoft Teams, made by its workflow "Post to a channel when a webhook request is received". */
  teams: address.optional(),
});

export const linkSettingsSchema = z.strictObject({
  mode: z.enum(linkModes).default('live'),
  notify: z.array(notifySchema).max(10).default([]),
  retentionDays: z.int().min(1).max(3650).default(90),
  /** Language of Ferry's own notes. */
  language: z.enum(['en']).default('en'),
});

/** Where a notice is sent, by one channel or several. */
export type NotifyTarget = z.output<typeof notifySchema>;
export type Inbound = z.output<typeof inboundSchema>;
/** A row that maps an action kind of the far desk onto one of this desk. */
export type ActionRow = Inbound['actions'][number];
export type FieldRow = Inbound['fields'][number];
export type Outbound = z.output<typeof outboundSchema>;
export type SideSettings = z.output<typeof sideSchema>;
export type LinkSettings = z.output<typeof linkSettingsSchema>;
