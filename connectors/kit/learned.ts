/** What checks find out about every type of helpdesk, and what follows from it where no option says otherwise. */
import { z } from 'zod';
import type { Facts } from '#connectors/contract/helpdesk.ts';

const size = z.number().int().positive().optional().catch(undefined);

export const commonFacts = z.object({
  /** So long after it was made a note could first be read. Milliseconds. */
  noteDelayMs: size,
  /** The two clocks are so far apart. Milliseconds. */
  clockApartMs: size,
  /** The longest note, subject and file that was kept whole, where a longer one was not. */
  noteMaxBytes: size,
  subjectMaxLength: size,
  fileMaxBytes: size,
});

export type CommonFacts = z.infer<typeof commonFacts>;

/** Facts of a form that this version does not know count as unknown. */
export function readFacts<T>(schema: z.ZodType<T>, facts: Facts | undefined): T {
  return schema.parse({ ...facts });
}

/** @param usualMs where nothing is known */
export function settleFor({ noteDelayMs = 0, clockApartMs = 0 }: CommonFacts, usualMs: number): number {
  return usualMs + (noteDelayMs <= 1_000 ? 0 : 2 * noteDelayMs) + clockApartMs;
}

/** @param usualMs where nothing is known */
export function overlapFor({ clockApartMs = 0 }: CommonFacts, usualMs: number): number {
  return usualMs + clockApartMs;
}

/** A time that was measured, as a fact: coarse, so that the next check finds the same. Milliseconds. */
export function coarseMs(ms: number): number {
  return 1_000 * 2 ** Math.max(0, Math.ceil(Math.log2(ms / 1_000)));
}
