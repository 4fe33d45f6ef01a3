/** `ferry replay` */
import { isYes, type CliDeps, type GlobalOptions } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { instantOf } from '#cli/options.ts';
import { headLine, wouldLines } from '#cli/print/preview.ts';
import { count } from '#cli/print/text.ts';
import { withPreview } from '#cli/wire.ts';
import { replayLink, type ReplayEntry, type ReplayResult } from '#operate/deliveries/replay-link.ts';

export type ReplayCommand = GlobalOptions & {
  readonly since?: string;
  readonly until?: string;
  readonly mail?: boolean;
  readonly dryRun?: boolean;
  readonly notes?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
};

/** @param deliveries none: every refused one. 1 where there is nothing to do, or somebody said no */
export async function replay(
  link: string,
  deliveries: readonly string[],
  options: ReplayCommand,
  deps: CliDeps,
): Promise<number> {
  const { since, until, mail = false, dryRun = false, notes = false, yes, json } = options;
  const now = Date.now();
  const confirm = async (found: readonly ReplayEntry[]): Promise<boolean> => {
    if (!deps.isInteractive)
      throw new CliError('not-asked', exitCodes.usage, 'say --yes to carry them, or look first with --dry-run');
    for (const line of entryLines(found)) deps.out(`${line}\n`);
    const number = found.filter(({ becomes }) => becomes === 'replay').length;
    return isYes(deps, `Carry ${count(number, 'action')} once more${mail ? ', and mail end users' : ''}?`);
  };
  const result = await withPreview(options, deps, (operator) =>
    replayLink(operator, {
      ...{ link, mail, dryRun, notes },
      deliveries: deliveries.length === 0 ? undefined : deliveries,
      since: instantOf('--since', since, now),
      until: instantOf('--until', until, now),
      ...(yes === true ? {} : { confirm }),
    }),
  );
  if (json === true) deps.out(`${JSON.stringify(result)}\n`);
  else say(result, link, yes === true || dryRun, deps);
  return result.outcome === 'nothing' || result.outcome === 'declined' ? exitCodes.no : exitCodes.ok;
}

function say({ outcome, entries, replayed, more }: ReplayResult, link: string, tell: boolean, { out }: CliDeps): void {
  if (tell || outcome === 'nothing') for (const line of entryLines(entries)) out(`${line}\n`);
  const number = entries.filter(({ becomes }) => becomes === 'replay').length;
  if (outcome === 'nothing') out(`Nothing that was refused on ${link} can be carried once more.\n`);
  else if (outcome === 'dry-run') out(`${count(number, 'action')} would be carried once more; this was a dry run.\n`);
  else if (outcome === 'declined') out('Nothing was changed.\n');
  else out(`${count(replayed, 'action is', 'actions are')} carried again; ferry trace shows the results.\n`);
  if (more) out('There are more: do it again.\n');
}

const stays: Readonly<Record<NonNullable<ReplayEntry['why']>, string>> = {
  still: 'stays refused, because it',
  elsewhere: 'stays: the other side refused it, and can try it again there',
  opens: 'stays: it was an escalation; escalate the ticket again',
  expired: 'stays: its contents are no longer kept',
};

function entryLines(entries: readonly ReplayEntry[]): string[] {
  return entries.flatMap(({ why, would, ...one }) => [
    headLine(one),
    ...(why === null ? [] : [`      ${stays[why]}`]),
    ...(would === null ? [] : wouldLines('would', would)),
  ]);
}
