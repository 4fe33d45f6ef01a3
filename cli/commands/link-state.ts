/** `ferry link suspend`, `resume`, `contact`. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { reason } from '#core/words/reasons.ts';
import type { Client } from '#db/base/client.ts';
import { notifyLanes } from '#db/carry/couriers.ts';
import {
  compareLanes,
  continueAbove,
  forgetReceived,
  lanesTo,
  requeueAbove,
  type LaneDifference,
} from '#db/links/link-compare.ts';
import { loadLink, setContact, setLinkState } from '#db/links/link-life.ts';
import { loadPeer, savePeerSaid, sidesOf, type PeerRow, type Sides } from '#db/links/peers.ts';
import type { GlobalOptions } from '#cli/context.ts';
import type { CliDeps } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { contactText, readContact } from '#cli/link/contact.ts';
import { linkOrFail, withLinks, type LinkTools } from '#cli/link/open.ts';
import { count } from '#cli/print-apply.ts';
import { printable } from '#cli/print.ts';

const by = 'cli';

export async function suspend(
  id: string,
  options: GlobalOptions & { readonly because?: string },
  deps: CliDeps,
): Promise<number> {
  return withLinks(options, deps, { secrets: false }, async ({ db }) => {
    const { state } = await linkOrFail(db, id);
    const why = reason('link-suspended', { by, detail: options.because });
    if (!(await setLinkState(db, id, 'suspended', why, by)))
      throw new CliError(
        'not-active',
        exitCodes.no,
        state === 'suspended'
          ? `the link ${id} is suspended already`
          : `the link ${id} is ${state}; only an active link can be suspended`,
      );
    deps.out(`${id} is suspended: nothing is carried on it, everything waits. Go on with: ferry link resume ${id}\n`);
    return exitCodes.ok;
  });
}

export type ResumeOptions = GlobalOptions & { readonly dryRun?: boolean; readonly yes?: boolean };

export async function resumeLink(id: string, options: ResumeOptions, deps: CliDeps): Promise<number> {
  return withLinks(options, deps, { secrets: true }, async (tools) => {
    const { db } = tools;
    const { state } = await linkOrFail(db, id);
    const sides = await sidesOf(db, id);
    if (sides === null || (state !== 'suspended' && state !== 'quarantined'))
      throw new CliError(
        'not-suspended',
        exitCodes.no,
        state === 'pairing'
          ? `the link ${id} is not complete yet; repeat its checks with ferry link check ${id}`
          : `the link ${id} is ${state}; there is nothing to resume`,
      );
    const peer = await loadPeer(db, id);
    if (state === 'quarantined' && peer !== null && !(await leaveQuarantine(tools, id, peer, sides, options)))
      return exitCodes.no;
    if (options.dryRun === true) {
      deps.out(`${id} is ${state}. Without --dry-run it would be active again, and what waits would be carried.\n`);
      return exitCodes.ok;
    }
    await setLinkState(db, id, 'active', null, by);
    await notifyLanes(db, [sides.ownInstance, sides.farInstance]).catch(() => undefined);
    deps.out(`${id} goes on.\n`);
    return exitCodes.ok;
  });
}

/** Says what differs between both sides and sets right what can be. False where somebody said no. */
async function leaveQuarantine(
  { db, deps, peer: clientOf }: LinkTools,
  id: string,
  peer: PeerRow,
  sides: Sides,
  options: ResumeOptions,
): Promise<boolean> {
  const { out } = deps;
  const client = clientOf(peer);
  const signal = AbortSignal.timeout(60_000);
  const far = sides.far ?? 'supplier';
  const accepted = new Map<string, number>();
  try {
    const said = await client.link(signal);
    if (peer.said !== null && peer.said.fingerprint !== said.fingerprint)
      out("The other side's database is another one than it was: it was restored, cloned or moved.\n");
    await savePeerSaid(db, id, said);
    if (said.state !== 'active')
      out(printable(`The other side says: ${said.state}. ${said.reason?.text ?? ''}`).trimEnd() + '\n');
    for (let after: string | null = null; ;) {
      const page = await client.lanes(far, after, signal);
      for (const lane of page.lanes) accepted.set(lane.mirror, lane.accepted);
      if (page.next === null) break;
      after = page.next;
    }
  } catch (error) {
    if (!(error instanceof HelpdeskError)) throw error;
    const contact = (await loadLink(db, id))?.farContact ?? null;
    throw new CliError(
      'peer-unreachable',
      exitCodes.unavailable,
      `the other side could not be asked what it has, so nothing was changed: ${error.message}${contact === null ? '' : ` On duty there: ${contactText(contact)}.`}`,
    );
  }
  const differences = compareLanes(await lanesTo(db, id, sides.farInstance), accepted);
  for (const line of differenceLines(differences)) out(`${printable(line)}\n`);
  if (options.dryRun === true) return true;
  if (differences.length > 0 && deps.isInteractive && options.yes !== true) {
    const answer = await deps.ask('Set this right and go on? [y/N] ');
    if (!/^y(?:es)?$/i.test(answer.trim())) {
      out('Nothing was changed.\n');
      return false;
    }
  }
  await setRight(db, differences, out);
  return true;
}

const mostShown = 20;

function differenceLines(differences: readonly LaneDifference[]): string[] {
  if (differences.length === 0) return ['Both sides have the same of every lane.'];
  const lines = differences.map((one) => {
    if (one.kind === 'unknown-here')
      return `  mirror ${one.mirror}: only the other side has it. Where its ticket was escalated from here, the two find each other again once that is read.`;
    const { ticket, acked } = one.lane;
    return one.kind === 'lost-there'
      ? `  ${ticket}: the other side has ${one.accepted} of the ${acked} that it had; the rest is sent again.`
      : `  ${ticket}: the other side has ${one.accepted}, this one remembers ${acked}; what this one has read again since is sent behind it, and known again there.`;
  });
  const more = lines.length - mostShown;
  return [
    `${count(differences.length, 'lane differs', 'lanes differ')}:`,
    ...lines.slice(0, mostShown),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

async function setRight(db: Client, differences: readonly LaneDifference[], out: CliDeps['out']): Promise<void> {
  let again = 0;
  let waiting = 0;
  for (const one of differences) {
    if (one.kind === 'lost-there')
      again += await db.transaction(async (tx) => {
        if (one.whole) await forgetReceived(tx, one.lane);
        return requeueAbove(tx, one.lane, one.accepted);
      });
    if (one.kind === 'lost-here') waiting += await db.transaction((tx) => continueAbove(tx, one.lane, one.accepted));
  }
  if (again > 0) out(`${count(again, 'delivery is', 'deliveries are')} sent again.\n`);
  if (waiting > 0) out(`${count(waiting, 'delivery follows', 'deliveries follow')} what the other side has.\n`);
}

/** Without a text: shows both. */
export async function contact(
  id: string,
  text: string | undefined,
  options: GlobalOptions & { readonly far?: boolean; readonly none?: boolean },
  deps: CliDeps,
): Promise<number> {
  const wanted = options.none === true ? null : text === undefined ? undefined : readContact(text);
  return withLinks(options, deps, { secrets: false }, async ({ db }) => {
    const link = await linkOrFail(db, id);
    if (wanted === undefined) {
      deps.out(
        printable(`On duty there: ${link.farContact === null ? 'nobody named' : contactText(link.farContact)}`) + '\n',
      );
      deps.out(
        printable(`On duty here: ${link.ownContact === null ? 'nobody named' : contactText(link.ownContact)}`) + '\n',
      );
      return exitCodes.ok;
    }
    await setContact(db, id, options.far === true ? 'far' : 'own', wanted, by);
    deps.out(
      options.far === true
        ? 'Noted; it is shown beside every failure of this link.\n'
        : 'Noted; the other side is told within minutes.\n',
    );
    return exitCodes.ok;
  });
}
