/** `ferry link close`: the end of a link, said to both desks and to the other gateway. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { notifyLanes } from '#db/carry/couriers.ts';
import { closeLink } from '#db/links/link-close.ts';
import { waitingOn } from '#db/links/link-status.ts';
import { loadPeer } from '#db/links/peers.ts';
import type { GlobalOptions } from '#cli/context.ts';
import type { CliDeps } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { contactText } from '#cli/link/contact.ts';
import { linkOrFail, withLinks } from '#cli/link/open.ts';
import { count } from '#cli/print-apply.ts';

export type CloseOptions = GlobalOptions & {
  readonly refuse?: boolean;
  readonly drain?: boolean;
  readonly because?: string;
  readonly yes?: boolean;
  /** Minutes. */
  readonly wait?: number;
};

const drainMinutes = 10;

export async function close(id: string, options: CloseOptions, deps: CliDeps): Promise<number> {
  if (options.refuse === true && options.drain === true)
    throw new CliError('two-ways', exitCodes.usage, 'choose one of --drain and --refuse');
  return withLinks(options, deps, { secrets: true }, async ({ db, calls }) => {
    const link = await linkOrFail(db, id);
    if (link.state === 'closed') throw new CliError('link-closed', exitCodes.no, `the link ${id} has ended already`);
    if (deps.isInteractive && options.yes !== true) {
      const answer = await deps.ask(`End the link ${id} for good? Both desks are told on every open ticket. [y/N] `);
      if (!/^y(?:es)?$/i.test(answer.trim())) {
        deps.out('Nothing was changed.\n');
        return exitCodes.no;
      }
    }
    if (options.refuse !== true && link.state === 'active')
      await drain(() => waitingOn(db, id), (options.wait ?? drainMinutes) * 60_000, deps);
    const peer = await loadPeer(db, id);
    let told = true;
    if (peer !== null && link.state !== 'pairing')
      try {
        // First, while we are still known there; it ends its own half and tells its own desk.
        await calls(peer).close(options.because, AbortSignal.timeout(30_000));
      } catch (error) {
        if (!(error instanceof HelpdeskError)) throw error;
        told = false;
        const whom = link.farContact === null ? '' : ` Tell it yourself: ${contactText(link.farContact)}.`;
        deps.err(
          `ferry: the other gateway could not be told (${error.message}).${whom} It is refused with link-closed from now on. [peer-not-told]\n`,
        );
      }
    const closed = await db.transaction((tx) => closeLink(tx, id, 'cli', options.because));
    await notifyLanes(db, closed?.wake ?? []).catch(() => undefined);
    const refused = closed?.refused ?? 0;
    deps.out(
      `${id} has ended. ${count(closed?.mirrors ?? 0, 'open ticket is', 'open tickets are')} told${refused > 0 ? `; ${count(refused, 'delivery', 'deliveries')} that waited ended refused` : ''}.${told && peer !== null ? ' The other side has ended its half.' : ''}\n`,
    );
    deps.out(`What was carried stays until it is purged: ferry link export ${id}, then ferry link purge ${id}\n`);
    return exitCodes.ok;
  });
}

/** Until nothing waits, or the time is over; what is left is refused then. */
async function drain(waiting: () => Promise<number>, forMs: number, deps: CliDeps): Promise<void> {
  const until = Date.now() + forMs;
  let shown = -1;
  for (;;) {
    const left = await waiting();
    if (left === 0 || Date.now() >= until) return;
    if (left !== shown) deps.out(`Waiting for ${count(left, 'delivery', 'deliveries')} …\n`);
    shown = left;
    if (deps.signal.aborted) throw new CliError('interrupted', exitCodes.no, 'interrupted; nothing was changed');
    await sleep(Math.min(500, Math.max(1, until - Date.now())), undefined, { signal: deps.signal }).catch(
      () => undefined,
    );
  }
}
