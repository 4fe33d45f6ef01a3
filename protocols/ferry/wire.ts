/** The schemas of a peer's answers besides those in core/wire.ts. Unknown keys are ignored. */
import { z } from 'zod';
import { fieldTypes, type Catalogue } from '#core/words/vocabulary.ts';
import { wireId, wireInstance, wireTicket } from '#core/wire.ts';

const name = z.string().max(255);
const names = z.array(name).max(10_000);

export const peerInstance = z.object({ issuer: wireInstance, name, wireVersion: z.int().min(1) });

/** The peer's catalogue on the link, without accounts and teams. */
export const peerCatalogue: z.ZodType<Catalogue> = z.object({
  statuses: z.array(z.object({ name, closed: z.boolean() })).max(10_000),
  categories: names,
  types: z.array(
    z
      .object({ name, kinds: names.optional(), statuses: names.optional() })
      .transform(({ name: type, kinds, statuses }) => ({
        name: type,
        ...(kinds === undefined ? {} : { kinds }),
        ...(statuses === undefined ? {} : { statuses }),
      })),
  ),
  priorities: names,
  fields: z.array(
    z
      .object({ name, type: z.enum(fieldTypes), options: names.optional() })
      .transform(({ options, ...field }) => ({ ...field, ...(options === undefined ? {} : { options }) })),
  ),
  kinds: z.array(
    z.object({
      name,
      hidden: z.boolean().default(false),
      mails: z.boolean().default(false),
      sends: z.enum(['none', 'supplier', 'customer']).default('none'),
      status: name.nullable().default(null),
    }),
  ),
  accounts: names.default([]),
  teams: names.default([]),
});

export const peerLanes = z.object({
  lanes: z.array(z.object({ mirror: wireId, accepted: z.int().min(0) })).max(10_000),
  next: z.string().max(255).nullable(),
});

export const peerMirror = z.object({
  mirror: wireId,
  state: z.string().max(64),
  ticket: wireTicket.nullable(),
  accepted: z.int().min(0),
});

export const problem = z.object({
  type: z.string().max(200).optional(),
  title: z.string().max(2_000).optional(),
  detail: z.string().max(20_000).optional(),
});

export type PeerInstance = z.output<typeof peerInstance>;
export type PeerLanes = z.output<typeof peerLanes>;
export type PeerMirror = z.output<typeof peerMirror>;
