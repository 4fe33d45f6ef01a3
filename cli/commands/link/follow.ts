/** Prints the checks of a pairing as they finish, and the result. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CliDeps } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { checkLine } from '#cli/print/check.ts';
import type { Operator } from '#operate/operator.ts';
import { pairingProgress, type PairingProgress } from '#operate/pairing/progress.ts';

const lookEveryMs = 250;
/** If nothing happens for this long, probably no worker is running. */
const quietMs = 10_000;

export type FollowOptions = {
  /** Prints a line for each check. */
  readonly lineOf: typeof checkLine;
  /** Prints nothing else, for scripts. */
  readonly isQuiet: boolean;
};

/** Returns the exit code: 0 if the link is active, 1 if something has to be fixed. */
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
      deps.err(
        'ferry: no worker has started the checks yet; make sure that ferry worker and Temporal are running (ferry status)\n',
      );
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
        : `All checks of ${link} passed; the link is ${linkState ?? 'gone'}.\n`,
    );
    if (linkState === 'active')
      out(
        'Next: write into links.yaml what your side sends and how it maps, then run ferry apply (docs/federating.md).\n',
      );
    return exitCodes.ok;
  }
  if (state === 'expired')
    err(
      isThere
        ? `ferry: the checks of ${link} took longer than 15 minutes; make sure that both gateways and workers are running, then: ${again} [expired]\n`
        : 'ferry: the code expired before it was used; ask for a new one (ferry link invite) [expired]\n',
    );
  else
    err(
      isThere
        ? `ferry: the link ${link} is not active yet; fix what is marked ✗, then: ${again} [checks-failed]\n`
        : 'ferry: nothing was set up; fix what is marked ✗, then accept the code again, or ask for a new one [not-paired]\n',
    );
  return exitCodes.no;
}
