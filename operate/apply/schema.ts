/** The schema of a links file: its own keys. core/rules/settings.ts has the values of sides. */
import { z } from 'zod';
import { accountSchema, inboundSchema, linkSettingsSchema, outboundSchema } from '#core/rules/settings.ts';
import { remoteTypes } from '#core/words/reach.ts';

/** URLs and logs contain ids. */
const id = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, { error: 'an id such as acme-northwind' });

/** The place of a secret, never the secret. */
export const secretSchema = z.union([
  z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }),
  z.strictObject({ file: z.string().min(1).max(4096) }),
]);

/** An address may also come from the environment, because it may differ between environments. */
export const urlSchema = z.union([
  z.url({ protocol: /^https?$/ }).max(2048),
  z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }),
]);

/** @param types that have a connector */
export function instanceSchemaOf(types: readonly string[]) {
  return z.strictObject({ ...instanceShape, type: z.enum([...types, ...remoteTypes]) });
}

const instanceShape = {
  name: z.string().trim().min(1).max(100),
  url: urlSchema,
  credentials: z.record(z.string(), secretSchema).default({}),
  options: z.record(z.string(), z.unknown()).default({}),
  hookSecret: secretSchema.optional(),
};

export const profileSchema = z.strictObject({
  inbound: inboundSchema.optional(),
  outbound: outboundSchema.optional(),
});

export const sideFileSchema = z.strictObject({
  instance: id,
  extends: id.optional(),
  account: accountSchema,
  inbound: inboundSchema.optional(),
  outbound: outboundSchema.optional(),
});

export const linkSchema = z.strictObject({
  ...linkSettingsSchema.shape,
  customer: sideFileSchema,
  supplier: sideFileSchema,
});

/** @param types that have a connector */
export function fileSchemaOf(types: readonly string[]) {
  return z.strictObject({
    instances: z.record(id, instanceSchemaOf(types)).default({}),
    profiles: z.record(id, profileSchema).default({}),
    links: z.record(id, linkSchema).default({}),
  });
}

export type SecretPlace = z.output<typeof secretSchema>;
