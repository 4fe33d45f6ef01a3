/**
 * One attempt to carry a delivery, as shown in the log, metrics and traces: ids and codes, never what somebody wrote.
 */
import type { Outcome, Reason } from './vocabulary.ts';

export type AttemptResult = Outcome | 'accepted' | 'held' | 'retry';

export type AttemptSeen = {
  readonly link: string;
  readonly mirror: string;
  readonly delivery: string;
  readonly kind: 'action' | 'receipt' | 'copy';
  readonly escalation: boolean;
  /** Instances, and what people call the tickets there; null if there is no ticket yet. */
  readonly from: string;
  readonly fromTicket: string | null;
  readonly to: string;
  readonly toTicket: string | null;
  /** `accepted`: a peer has it and reports the outcome later. */
  readonly result: AttemptResult;
  /** Code of the reason; null if it was applied unchanged. */
  readonly reason: Reason['code'] | null;
  /** Starts at 1. */
  readonly attempt: number;
  /** Duration of this attempt. Milliseconds. */
  readonly ms: number;
  /** Time since the delivery was logged. Milliseconds. */
  readonly waitedMs: number;
  /** 32 hexadecimal digits, the same at every gateway the action passes. */
  readonly trace: string;
};

/** Reports an attempt. Never throws, never waits. */
export type Report = (attempt: AttemptSeen) => void;

/** Returns the instant of a version 7 UUID, in milliseconds since 1970; null for other ids. */
export function instantOfId(id: string): number | null {
  const hex = id.replaceAll('-', '');
  return /^[\da-f]{12}7[\da-f]{19}$/i.test(hex) ? Number.parseInt(hex.slice(0, 12), 16) : null;
}
