/** One try to carry a delivery, as the log, metrics and traces show it: ids and codes, never what somebody wrote. */
import type { Outcome, Reason } from './vocabulary.ts';

export type AttemptResult = Outcome | 'accepted' | 'held' | 'retry';

export type AttemptSeen = {
  readonly link: string;
  readonly mirror: string;
  readonly delivery: string;
  readonly kind: 'action' | 'receipt' | 'copy';
  readonly escalation: boolean;
  /** Instances, and what people call the tickets there; null where there is none yet. */
  readonly from: string;
  readonly fromTicket: string | null;
  readonly to: string;
  readonly toTicket: string | null;
  /** `accepted`: a peer has it, and tells the outcome later. */
  readonly result: AttemptResult;
  /** Code of the reason; null where it was applied as it came. */
  readonly reason: Reason['code'] | null;
  /** From 1. */
  readonly attempt: number;
  /** Of this try. Milliseconds. */
  readonly ms: number;
  /** Since the delivery was logged. Milliseconds. */
  readonly waitedMs: number;
  /** 32 hexadecimal digits, the same at every gateway that the action passes. */
  readonly trace: string;
};

/** Never throws, never waits. */
export type Report = (attempt: AttemptSeen) => void;

/** Instant of a uuid of version 7, in milliseconds since 1970; null for others. */
export function instantOfId(id: string): number | null {
  const hex = id.replaceAll('-', '');
  return /^[\da-f]{12}7[\da-f]{19}$/i.test(hex) ? Number.parseInt(hex.slice(0, 12), 16) : null;
}
