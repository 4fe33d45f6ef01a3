/** Checks what an instance was given as credentials and options against its connector's schemas. */
import type { z } from 'zod';
import { HelpdeskError } from '#connectors/contract/errors.ts';

/** @throws HelpdeskError `refused`, `bad-settings`: it names every fault and repeats no value, which may be a secret */
export function readSettings<T>(
  schema: z.ZodType<T>,
  value: unknown,
  what: 'credentials' | 'options',
  instance: string,
): T {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const faults = read.error.issues.map(({ path, message }) => `${path.join('.') || what}: ${message}`);
  const text = `The ${what} of ${instance} are wrong: ${faults.join('; ')}. Correct them in the links file and apply it again.`;
  throw new HelpdeskError('refused', 'bad-settings', text);
}
