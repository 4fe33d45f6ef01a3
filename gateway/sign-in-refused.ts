/** Logs and counts refused callers. The caller itself does not learn the reason. */
import type { Log } from '#config/log.ts';

export type SignInRefused = (refused: {
  /** Code. */
  readonly why: string;
  /** The client or instance, if it exists; never an unverified claim. */
  readonly who: string | null;
  readonly link?: string;
  /** Network of the caller. */
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
