/** What one client may ask of this gateway. docs/limits.md names every figure; decisions/0029 says where they are kept. */
import type { ChosenLimits } from '#config/env.ts';
import { leastFreeBytes } from '#config/least-free.ts';
import type { PaceLimit } from './pace.ts';

export type ClientLimits = {
  readonly requests: PaceLimit;
  /** Of bodies that are JSON. */
  readonly bytes: PaceLimit;
  /** Actions and receipts: each costs a signature to verify, however short it is. */
  readonly actions: PaceLimit;
  /** Of files, both ways. */
  readonly fileBytes: PaceLimit;
  readonly requestsAtATime: number;
  readonly filesAtATime: number;
  /** Requests that wait for a place. */
  readonly waitingRequests: number;
  /** For a place, or for the pace. Milliseconds. */
  readonly mostWaitMs: number;
  /** A refusal is answered this late, so that asking again at once gains nothing. Milliseconds. */
  readonly refusalMs: number;
  /** Refusals that are held back at a time; what comes beyond is answered at once, and its connection closed. */
  readonly heldRefusals: number;
  /** Of files that no action refers to, per link. */
  readonly unreferencedBytes: number;
  /** Actions of a link that have not ended. */
  readonly waitingActions: number;
  /** Below this no file is taken. */
  readonly minFreeBytes: number;
};

const mib = 1024 * 1024;

/** The largest body, and so the most that one request costs, is 1 MiB. */
export function clientLimits(chosen: ChosenLimits = {}): ClientLimits {
  const { requests = 3_000, actions = 6_000, bodyMiB = 60, fileMiB = 600 } = chosen;
  const { uploadsMiB = 1_024, waiting = 10_000 } = chosen;
  const twoSeconds = (perMinute: number, least: number): PaceLimit => ({
    perMinute,
    atOnce: Math.max(least, Math.ceil(perMinute / 30)),
  });
  return {
    requests: twoSeconds(requests, 10),
    bytes: twoSeconds(bodyMiB * mib, 4 * mib),
    actions: twoSeconds(actions, 50),
    fileBytes: twoSeconds(fileMiB * mib, 4 * mib),
    requestsAtATime: 4,
    filesAtATime: 2,
    waitingRequests: 64,
    mostWaitMs: 5_000,
    refusalMs: 1_000,
    heldRefusals: 64,
    unreferencedBytes: uploadsMiB * mib,
    waitingActions: waiting,
    minFreeBytes: leastFreeBytes(chosen),
  };
}
