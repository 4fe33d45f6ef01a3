/** What the probes of a trial share. */
import type { Outcome } from '#connectors/contract/check.ts';
import type { Made } from './trial-desk.ts';

/** What only the product's own connector can do. */
export type TrialHelp = {
  /** Null where a note can't be changed once it is written. */
  readonly edit: ((actionId: string, note: string, signal: AbortSignal) => Promise<void>) | null;
  /** Deletes what can be deleted. Gives what is left, for people; `isFault` where that is for want of a right. */
  remove(made: Made, signal: AbortSignal): Promise<{ readonly left: readonly string[]; readonly isFault: boolean }>;
  /** How many mails left the desk because of what is on the ticket since then; null where its actions say it themselves. */
  readonly mailsSince: ((actionId: string | null, signal: AbortSignal) => Promise<number>) | null;
  /** What to do where a status or a field is not set. */
  readonly rightsFix: string;
  /** What to do where something mails. */
  readonly quietFix: string;
};

export const notMade: Outcome = { verdict: 'unknown', saw: 'what it needs was not made, or does not show' };
