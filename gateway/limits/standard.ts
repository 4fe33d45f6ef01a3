/** The limits of one client. docs/limits.md lists every figure; decisions/0029 explains where they are enforced. */
import type { ChosenLimits } from '#config/env.ts';
import { leastFreeBytes } from '#config/least-free.ts';
import type { PaceLimit } from './pace.ts';

export type ClientLimits = {
  readonly requests: PaceLimit;
  /** Bytes of JSON bodies. */
  readonly bytes: PaceLimit;
  /** Actions and receipts: verifying each signature has a cost, however short it is. */
  readonly actions: PaceLimit;
  /** Bytes of files, in both directions. */
  readonly fileBytes: PaceLimit;
  readonly requestsAtATime: number;
  readonly filesAtATime: number;
  /** Requests that wait for a place. */
  readonly waitingRequests: number;
  /** The longest wait for a place or for the rate. Milliseconds. */
  readonly mostWaitMs: number;
  /** The delay of a refusal, so that asking again immediately gains nothing. Milliseconds. */
  readonly refusalMs: number;
  /** The most refusals to delay at a time; others are answered immediately, and their connections closed. */
  readonly heldRefusals: number;
  /** Bytes of files that no action refers to, per link. */
  readonly unreferencedBytes: number;
  /** Actions of a link without an outcome. */
  readonly waitingActions: number;
  /** The free disk space below which no file is accepted. */
  readonly minFreeBytes: number;
};

const mib = 1024 * 1024;

/** The largest body, and so the highest cost of one request, is 1 MiB. */
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
