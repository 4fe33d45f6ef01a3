/** The API's bodies that only the server needs, and the names of schemas in the OpenAPI document. */
import { z } from '@hono/zod-openapi';
import { mirrorStates } from '#core/words/mirror.ts';
import {
  wireAction,
  wireAnswer,
  wireAttachment,
  wireBatch,
  wireConstant,
  wireContact,
  wireId,
  wireInstance,
  wireLimits,
  wireLink,
  wirePerson,
  wireReason,
  wireReceipt,
  wireReceipts,
  wireResult,
  wireStanding,
  wireTicket,
  wireWords,
} from '#core/wire.ts';
import { fieldTypes } from '#core/words/vocabulary.ts';

export const problemSchema = z.object({
  type: z.string().regex(/^urn:ferry:problem:[a-z0-9-]+$/),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  'violated-policies': z.array(z.string()).optional(),
});

/** Requires a sensible seq, because a lane whose seq reaches the maximum accepts nothing more. */
const inOrder = { error: `after must be lower than seq, and seq at most ${wireLimits.seqStep} beyond it` };
const isInOrder = ({ seq, after }: { readonly seq: number; readonly after: number }): boolean =>
  after < seq && seq - after <= wireLimits.seqStep;
export const actionSchema = wireAction.refine(isInOrder, inOrder);

export const openingSchema = z.object({
  action: actionSchema.refine(({ escalation }) => escalation !== undefined, {
    error: 'an action that opens a ticket needs an escalation',
    path: ['escalation'],
  }),
});

export const batchSchema = wireBatch.refine(({ actions }) => actions.every(isInOrder), {
  ...inOrder,
  path: ['actions'],
});
export const receiptsSchema = wireReceipts.refine(({ receipts }) => receipts.every(isInOrder), {
  ...inOrder,
  path: ['receipts'],
});

/** The receiving desk's verdict on an action, for `dryRun=true`. */
export const decisionSchema = z.object({
  id: wireId,
  verdict: z.enum(['apply', 'skip', 'refuse', 'hold']),
  reason: wireReason.nullable(),
  drops: z.array(wireReason),
});

export const answerSchema = wireAnswer.extend({
  /** Only for `dryRun=true`: a verdict for each action that would be accepted. */
  decisions: z.array(decisionSchema).optional(),
});

export const dryRunQuery = z.object({ dryRun: z.enum(['true', 'false']).default('false') });

export const mirrorParams = z.object({ mirror: wireId });
export const actionParams = z.object({ mirror: wireId, id: wireId });
/** Whose action it is: ids are each origin's own. Without it the first of that id is meant. */
export const actionQuery = z.object({
  // In ASCII, as URLs are written: other characters would be three times as long in the address of the request.
  origin: z
    .string()
    .max(2_048)
    .regex(/^https?:\/\/[!-~]+$/)
    .optional(),
});
export const fileParams = z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) });

const position = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const readQuery = z.object({
  after: position.default(0),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});
export const lanesQuery = z.object({
  after: wireId.optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(1_000),
});

export const instanceSchema = z.object({
  /** The ids of our instance and of the caller's instance. */
  issuer: wireInstance,
  caller: wireInstance,
  name: z.string(),
  wireVersion: z.int(),
  version: z.string(),
});

const named = z.array(z.string());
export const catalogueSchema = z.object({
  kinds: z.array(z.object({ name: z.string(), hidden: z.boolean(), mails: z.boolean() })),
  statuses: z.array(z.object({ name: z.string(), closed: z.boolean() })),
  categories: named,
  priorities: named,
  types: z.array(z.object({ name: z.string() })),
  fields: z.array(z.object({ name: z.string(), type: z.enum(fieldTypes), options: named.optional() })),
});

export const mirrorSchema = z.object({
  mirror: wireId,
  state: z.enum(mirrorStates),
  ticket: wireTicket.nullable(),
  accepted: z.int().min(0),
});

export const lanesSchema = z.object({
  lanes: z.array(z.object({ mirror: wireId, accepted: z.int().min(0) })),
  /** The value of `after` for the next page; null on the last page. */
  next: wireId.nullable(),
});

export const entriesSchema = z.object({
  entries: z.array(
    z.object({
      position: z.int().min(1),
      mirror: wireId,
      action: wireAction.nullable(),
      receipt: wireReceipt.nullable(),
    }),
  ),
  /** The value of `after` for the next request, which also confirms everything up to here. */
  next: z.int().min(0),
});

export const webhookSchema = z.object({
  url: z.url({ protocol: /^https?$/ }).max(2_048),
  /** `whsec_` and 24 to 64 bytes in base64; if absent, the gateway makes one. */
  secret: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/)
    .optional(),
});
export const webhookMade = z.object({ url: z.string(), secret: z.string() });

/** Names schemas, so that the document has each only once. The registry is zod's; the generator uses the key in references. */
const names: Readonly<Record<string, z.ZodType>> = {
  Action: wireAction,
  Answer: answerSchema,
  Attachment: wireAttachment,
  Batch: batchSchema,
  Catalogue: catalogueSchema,
  Constant: wireConstant,
  Contact: wireContact,
  Decision: decisionSchema,
  Entries: entriesSchema,
  Instance: instanceSchema,
  Lanes: lanesSchema,
  Link: wireLink,
  Mirror: mirrorSchema,
  Opening: openingSchema,
  Person: wirePerson,
  Problem: problemSchema,
  Reason: wireReason,
  Receipt: wireReceipt,
  Receipts: receiptsSchema,
  Result: wireResult,
  Standing: wireStanding,
  Ticket: wireTicket,
  Webhook: webhookSchema,
  Words: wireWords,
};
for (const [name, schema] of Object.entries(names)) {
  const known = z.globalRegistry.get(schema) ?? {};
  z.globalRegistry.add(schema, { ...known, _internal: { refId: name } });
}
