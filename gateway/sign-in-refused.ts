/** Of a caller that was refused: one line in the log, and a number. The caller itself hears only that it was. */
import type { Log } from '#config/log.ts';

export type SignInRefused = (refused: {
  /** Code. */
  readonly why: string;
  /** The client or instance, where it is one of ours; never what somebody only claims to be. */
  readonly who: string | null;
  readonly link?: string;
  /** Network that it came from. */
  readonly from?: string;
}) => void;

export function createSignInRefused(
  log: Pick<Log, 'warn'>,
  metrics?: { signInRefused(why: string): void },
): SignInRefused {
  return ({ why, who, ...more }) => {
    log.warn({ event: 'authn_fail', why, who, ...more }, 'sign-in refused');
    metrics?.signInRefused(why);
  };
}
