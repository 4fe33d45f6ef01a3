/** Exit codes, for scripts. Those from 64 on are from sysexits.h. */
export const exitCodes = {
  ok: 0,
  /** The answer is no: not found, declined. */
  no: 1,
  /** Somebody has to act. */
  degraded: 2,
  usage: 64,
  unavailable: 69,
  internal: 70,
  config: 78,
} as const;
