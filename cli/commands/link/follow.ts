/** Prints the checks of a pairing as they come, and how it ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CliDeps } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { checkLine } from '#cli/print/check.ts';
import type { Operator } from '#operate/operator.ts';
import { pairingProgress, type PairingProgress } from '#operate/pairing/progress.ts';

const lookEveryMs = 250;
/** Without a sign of work for this long, a worker seems to be missing. */
const quietMs = 10_000;

export type FollowOptions = {
  /** A line for each check. */
  readonly lineOf: typeof checkLine;
  /** Says nothing else, for scripts. */
  readonly isQuiet: boolean;
};

/** Returns the exit code: 0 where the link is active, 1 where something is to be fixed. */
export async function followPairing(
  operator: Operator,
  id: string,
  deps: CliDeps,
  { lineOf, isQuiet }: FollowOptions = { lineOf: checkLine, isQuiet: false },
): Promise<number> {
  const shown = new Set<string>();
  const startedAt = Date.now();
  let isQuietTold = false;
  for (;;) {
    const seen = await pairingProgress(operator, id);
    if (seen === null) return exitCodes.no;
    for (const check of seen.checks) {
      const line = lineOf(check, seen);
      if (!shown.has(line)) deps.out(`${line}\n`);
      shown.add(line);
    }
    if (seen.state !== 'pairing' && seen.state !== 'invited')
      return ending(seen, isQuiet ? { ...deps, out: () => undefined } : deps);
    if (seen.state === 'pairing' && seen.checks.length === 0 && !isQuietTold && Date.now() - startedAt > quietMs) {
      isQuietTold = true;
      deps.err('ferry: no worker has begun with it yet; check that ferry worker and Temporal run (ferry status)\n');
    }
    if (deps.signal.aborted) return exitCodes.no;
    await sleep(lookEveryMs, undefined, { signal: deps.signal }).catch(() => undefined);
  }
}

function ending({ link, state, linkState }: PairingProgress, { out, err }: CliDeps): number {
  const again = `ferry link check ${link}`;
  const isThere = linkState !== null;
  if (state === 'paired') {
    out(
      linkState === 'active'
        ? `The link ${link} is active.\n`
        : `All checks of ${link} went well; the link is ${linkState ?? 'gone'}.\n`,
    );
    if (linkState === 'active')
      out('Next: say in links.yaml what your side sends and how it maps, then ferry apply (docs/federating.md).\n');
    return exitCodes.ok;
  }
  if (state === 'expired')
    err(
      isThere
        ? `ferry: the checks of ${link} took longer than 15 minutes; see that both gateways and workers run, then: ${again} [expired]\n`
        : 'ferry: the code has expired before it was exchanged; ask for a new one (ferry link invite) [expired]\n',
    );
  else
    err(
      isThere
        ? `ferry: the link ${link} is not active yet; fix what is marked ✗, then: ${again} [checks-failed]\n`
        : 'ferry: nothing was set up; fix what is marked ✗, then accept the code again, or ask for a new one [not-paired]\n',
    );
  return exitCodes.no;
}
