/** `ferry retry`, `release`, `skip`, `resume`: what a person can do about deliveries that wait. */
import { exitCodes } from '#cli/errors.ts';
import { isYes, type CliDeps, type GlobalOptions } from '#cli/deps.ts';
import { count, printable } from '#cli/print/text.ts';
import { withDesks, withOperator } from '#cli/wire.ts';
import { release as releaseDelivery } from '#operate/deliveries/release.ts';
import { resume as resumeMirror } from '#operate/deliveries/resume.ts';
import { replay } from '#operate/deliveries/replay.ts';
import { retry as retryInstance } from '#operate/deliveries/retry.ts';
import { skip as skipDelivery } from '#operate/deliveries/skip.ts';
import { resumeInstance, type ResumedInstance } from '#operate/instances/resume.ts';
import { isUuid } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';

/** Tries again. @param what an instance, or a refused delivery */
export async function retry(what: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  return say(options, deps, async (operator) => {
    if (isUuid(what)) return `It will be delivered to ${await replay(operator, what)} again, with today's settings.`;
    const instance = what;
    const lanes = await retryInstance(operator, instance);
    return `${instance} is tried again now; ${count(lanes, 'lane waits', 'lanes wait')} for it.`;
  });
}

export async function release(id: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  return say(
    options,
    deps,
    async (operator) => `Released; it will be delivered to ${await releaseDelivery(operator, id)} next.`,
  );
}

export async function skip(id: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  return say(
    options,
    deps,
    async (operator) => `Dropped; it will not be delivered to ${await skipDelivery(operator, id)}.`,
  );
}

type Verified = ResumedInstance['verified'][number];

export type ResumeOptions = GlobalOptions & { readonly dryRun?: boolean; readonly yes?: boolean };

/** Resumes. @param what a paused mirror, or an instance whose desk was restored */
export async function resume(what: string, options: ResumeOptions, deps: CliDeps): Promise<number> {
  if (!isUuid(what)) return resumeDesk(what, options, deps);
  return say(options, deps, async (operator) => {
    await resumeMirror(operator, what);
    return 'The mirror was resumed.';
  });
}

async function resumeDesk(instance: string, options: ResumeOptions, deps: CliDeps): Promise<number> {
  const { out } = deps;
  let isShown = false;
  const show = (verified: readonly Verified[]): void => {
    if (!isShown) for (const line of verifiedLines(verified)) out(`${printable(line)}\n`);
    isShown = true;
  };
  const confirm = (verified: readonly Verified[]): Promise<boolean> => {
    show(verified);
    return isYes(deps, 'Resume with these differences?');
  };
  const asks = deps.isInteractive && options.yes !== true;
  const { outcome, verified, paused } = await withDesks(options, deps, (operator) =>
    resumeInstance(operator, instance, { dryRun: options.dryRun ?? false, ...(asks ? { confirm } : {}) }),
  );
  show(verified);
  if (outcome === 'dry-run')
    out(`${instance} is in quarantine. Without --dry-run, Ferry would read it and write to it again.\n`);
  if (outcome === 'declined') out('Nothing was changed.\n');
  if (outcome !== 'resumed') return outcome === 'declined' ? exitCodes.no : exitCodes.ok;
  if (paused.length > 0)
    out(
      `${count(paused.length, 'mirror is', 'mirrors are')} paused: the ticket is gone, or its number now belongs to another ticket; see ferry status.\n`,
    );
  out(`Ferry reads ${instance} and writes to it again.\n`);
  return exitCodes.ok;
}

const mostShown = 50;

function verifiedLines(verified: readonly Verified[]): string[] {
  const lines = verified.flatMap(({ ticket, verdict, lost }) => {
    if (verdict === 'same') return [];
    if (verdict === 'missing') return [`  ${ticket}: it is missing.`];
    if (verdict === 'other') return [`  ${ticket}: another ticket now has this number.`];
    return [`  ${ticket}: it has lost ${count(lost.length, 'action', 'actions')} that Ferry knows.`];
  });
  const same = verified.length - lines.length;
  const more = lines.length - mostShown;
  return [
    `${count(verified.length, 'mirrored ticket was', 'mirrored tickets were')} compared; ${same} unchanged.`,
    ...lines.slice(0, mostShown),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

async function say(
  options: GlobalOptions,
  deps: CliDeps,
  act: (operator: Operator) => Promise<string>,
): Promise<number> {
  deps.out(`${await withOperator(options, deps, act)}\n`);
  return exitCodes.ok;
}
