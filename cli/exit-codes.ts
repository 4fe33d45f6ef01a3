/** How a command ends, for scripts; from 64 on as in sysexits.h. */
export const exitCodes = {
  ok: 0,
  /** The answer is no: not found, declined. */
  no: 1,
  /** Somebody is needed. */
  degraded: 2,
  usage: 64,
  unavailable: 69,
  internal: 70,
  config: 78,
} as const;
