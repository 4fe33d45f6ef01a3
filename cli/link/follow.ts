/** Prints the checks of a pairing as they come, and how it ended. */
import { otherSide } from '#core/words/ends.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '#db/base/client.ts';
import { loadLink } from '#db/links/link-life.ts';
import { loadPairing, type Check, type Pairing } from '#db/links/pairings.ts';
import type { CliDeps } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { printable } from '#cli/print.ts';

const lookEveryMs = 250;
/** Without a sign of work for this long, a worker seems to be missing. */
const quietMs = 10_000;

/** Returns the exit code: 0 where the link is active, 1 where something is to be fixed. */
export async function followPairing(db: Client, id: string, deps: CliDeps): Promise<number> {
  const shown = new Set<string>();
  const startedAt = Date.now();
  let isQuietTold = false;
  for (;;) {
    const row = await loadPairing(db, id);
    if (row === null) return exitCodes.no;
    for (const check of row.checks) {
      const line = checkLine(check, row);
      if (!shown.has(line)) deps.out(`${line}\n`);
      shown.add(line);
    }
    if (row.state !== 'pairing' && row.state !== 'invited') return await ending(db, row, deps);
    if (row.state === 'pairing' && row.checks.length === 0 && !isQuietTold && Date.now() - startedAt > quietMs) {
      isQuietTold = true;
      deps.err('ferry: no worker has begun with it yet; check that ferry worker and Temporal run (ferry status)\n');
    }
    if (deps.signal.aborted) return exitCodes.no;
    await sleep(lookEveryMs, undefined, { signal: deps.signal }).catch(() => undefined);
  }
}

export function checkLine({ name, direction, ok, text }: Check, { side }: Pick<Pairing, 'side'>): string {
  const far = otherSide(side);
  const way = direction === 'ours' ? `${side} → ${far}` : `${far} → ${side}`;
  return printable(`${ok ? '✓' : '✗'} ${way}  ${name}: ${text}`);
}

async function ending(db: Client, row: Pairing, { out, err }: CliDeps): Promise<number> {
  const again = `ferry link check ${row.link}`;
  if (row.state === 'paired') {
    const link = await loadLink(db, row.link);
    out(
      link?.state === 'active'
        ? `The link ${row.link} is active.\n`
        : `All checks of ${row.link} went well; the link is ${link?.state ?? 'gone'}.\n`,
    );
    if (link?.state === 'active')
      out('Next: say in links.yaml what your side sends and how it maps, then ferry apply (docs/federating.md).\n');
    return exitCodes.ok;
  }
  const isThere = (await loadLink(db, row.link)) !== null;
  if (row.state === 'expired')
    err(
      isThere
        ? `ferry: the checks of ${row.link} took longer than 15 minutes; see that both gateways and workers run, then: ${again} [expired]\n`
        : 'ferry: the code has expired before it was exchanged; ask for a new one (ferry link invite) [expired]\n',
    );
  else
    err(
      isThere
        ? `ferry: the link ${row.link} is not active yet; fix what is marked ✗, then: ${again} [checks-failed]\n`
        : 'ferry: nothing was set up; fix what is marked ✗, then accept the code again, or ask for a new one [not-paired]\n',
    );
  return exitCodes.no;
}
