/** `ferry link resume` */
import { isYes, type CliDeps, type GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { count, printable } from '#cli/print/text.ts';
import { withPeers } from '#cli/wire.ts';
import { resumeLink, type Comparison, type LaneDifference, type Resumed } from '#operate/links/resume.ts';

export type ResumeOptions = GlobalOptions & { readonly dryRun?: boolean; readonly yes?: boolean };

export async function resume(id: string, options: ResumeOptions, deps: CliDeps): Promise<number> {
  const { out } = deps;
  let isShown = false;
  const show = (comparison: Comparison | null): void => {
    if (comparison !== null && !isShown) for (const line of comparisonLines(comparison)) out(`${line}\n`);
    isShown = true;
  };
  const confirm = (comparison: Comparison): Promise<boolean> => {
    show(comparison);
    return isYes(deps, 'Correct this and resume?');
  };
  const asks = deps.isInteractive && options.yes !== true;
  const { outcome, state, comparison, setRight, looked } = await withPeers(options, deps, (operator) =>
    resumeLink(operator, id, { dryRun: options.dryRun ?? false, ...(asks ? { confirm } : {}) }),
  );
  show(comparison);
  for (const line of lookedLines(looked)) out(`${line}\n`);
  if (outcome === 'dry-run') {
    out(`${id} is ${state}. Without --dry-run, it would become active, and waiting deliveries would be carried.\n`);
    return exitCodes.ok;
  }
  if (outcome === 'declined') {
    out('Nothing was changed.\n');
    return exitCodes.no;
  }
  const { again, waiting } = setRight;
  if (again > 0) out(`${count(again, 'delivery is', 'deliveries are')} sent again.\n`);
  if (waiting > 0)
    out(`${count(waiting, 'waiting delivery follows', 'waiting deliveries follow')} after what the other side has.\n`);
  out(`${id} is active again.\n`);
  return exitCodes.ok;
}

function comparisonLines({ said, isOtherDatabase, differences }: Comparison): string[] {
  return [
    ...(isOtherDatabase ? ["The other side's database was restored, cloned or moved: its identity has changed."] : []),
    ...(said.state === 'active'
      ? []
      : [printable(`The other side says: ${said.state}. ${said.reason?.text ?? ''}`).trimEnd()]),
    ...differenceLines(differences).map(printable),
  ];
}

function lookedLines({ deliveries, tickets }: Resumed['looked']): string[] {
  if (deliveries === 0) return [];
  const waits = count(deliveries, 'delivery waits and is', 'deliveries wait and are');
  return [printable(`${waits} looked for at ${tickets.join(', ')} before Ferry writes anything.`)];
}

const mostShown = 20;

function differenceLines(differences: readonly LaneDifference[]): string[] {
  if (differences.length === 0) return ['Both sides agree on every lane.'];
  const lines = differences.map((one) => {
    if (one.kind === 'unknown-here')
      return `  mirror ${one.mirror}: only the other side has it. If its ticket was escalated from here, Ferry joins the two again when it reads that ticket.`;
    const { ticket, acked } = one.lane;
    return one.kind === 'lost-there'
      ? `  ${ticket}: the other side has only ${one.accepted} of the ${acked} that it had accepted; the rest will be sent again.`
      : `  ${ticket}: the other side has ${one.accepted}, this side remembers ${acked}; what this side reads again is sent after those, and the other side recognises it.`;
  });
  const more = lines.length - mostShown;
  return [
    `${count(differences.length, 'lane differs', 'lanes differ')}:`,
    ...lines.slice(0, mostShown),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}
