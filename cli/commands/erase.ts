/** `ferry erase ticket|person|answer|status` */
import { isYes, type CliDeps, type GlobalOptions } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { count, printable, table } from '#cli/print/text.ts';
import { withOperator } from '#cli/wire.ts';
import { answerErasure } from '#operate/erase/answer.ts';
import { erase, type EraseFound, type EraseResult, type EraseWhat } from '#operate/erase/erase.ts';
import { erasureStatus } from '#operate/erase/status.ts';

export type EraseCommand = GlobalOptions & {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
};

export function eraseTicket(instance: string, ticket: string, options: EraseCommand, deps: CliDeps): Promise<number> {
  return run({ instance, ticket }, options, deps);
}

export function erasePerson(
  person: string,
  options: EraseCommand & { readonly mentions?: boolean },
  deps: CliDeps,
): Promise<number> {
  return run({ person, mentions: options.mentions === true }, options, deps);
}

/** Erases a ticket or a person. Returns 1 if the user declines. */
async function run(what: EraseWhat, options: EraseCommand, deps: CliDeps): Promise<number> {
  const { dryRun = false, yes, json } = options;
  let declined = false;
  const confirm = async (found: EraseFound): Promise<boolean> => {
    for (const line of foundLines(found)) deps.out(`${line}\n`);
    if (!deps.isInteractive)
      throw new CliError(
        'not-asked',
        exitCodes.usage,
        'erasing cannot be undone; confirm with --yes, or preview with --dry-run',
      );
    declined = !(await isYes(deps, 'Erase it?'));
    return !declined;
  };
  const result = await withOperator(options, deps, (operator) =>
    erase(operator, what, { dryRun, ...(yes === true ? {} : { confirm }) }),
  );
  if (json === true) deps.out(`${JSON.stringify(result)}\n`);
  else for (const line of resultLines(result, dryRun || yes === true, declined)) deps.out(`${line}\n`);
  return declined ? exitCodes.no : exitCodes.ok;
}

function foundLines({ actions, waiting, files, snapshots, kept, trials }: EraseFound): string[] {
  if (actions === 0 && snapshots === 0)
    return [`Ferry keeps no content of it${kept.length + trials.length === 0 ? '' : ' that can be erased now'}.`];
  return [
    `Ferry keeps content of it in ${count(actions, 'action')}, ${count(files, 'file')} and ${count(snapshots, 'reading of a ticket', 'readings of tickets')}.`,
    ...(waiting === 0
      ? []
      : [`${count(waiting, 'delivery is', 'deliveries are')} waiting and would not be delivered.`]),
  ];
}

function resultLines({ found, erased }: EraseResult, tellFound: boolean, declined: boolean): string[] {
  if (declined) return ['Nothing was changed.'];
  const none = found.actions === 0 && found.snapshots === 0;
  const lines = tellFound || none ? foundLines(found) : [];
  if (erased !== null)
    lines.push(
      `Erased: ${count(erased.actions, 'action')}, ${count(erased.snapshots, 'reading of a ticket', 'readings of tickets')}; ${count(erased.files, 'file')} within two hours, unless something else uses them.`,
    );
  if (erased !== null && erased.skipped > 0)
    lines.push(`${count(erased.skipped, 'delivery', 'deliveries')} will not be delivered.`);
  for (const { instance, externalId } of found.kept)
    lines.push(printable(`Kept until its mirror ends: the last reading of ticket ${externalId} of ${instance}.`));
  for (const { instance, ticket, underWay } of found.trials)
    lines.push(...trialLines(instance, ticket, underWay, erased !== null));
  for (const { link, far } of found.links)
    if (far === 'peer')
      lines.push(
        erased === null
          ? `${link}: the other gateway would be asked to erase it.`
          : erased.asked.includes(link)
            ? `${link}: the other gateway is asked within a minute; ferry erase status shows its answer.`
            : `${link}: the other gateway has already been asked; see ferry erase status.`,
      );
    else if (far === 'api')
      lines.push(`${link}: the API client at the other side keeps what it has read; ask its owner.`);
  if (found.holders.length > 0)
    lines.push(
      'These helpdesks still have it, and Ferry deletes nothing there:',
      ...found.holders.map(({ instance, ticket, number, driven }) =>
        printable(`  ${instance} ${number ?? ticket}${driven ? '' : ' (the other side)'}`),
      ),
    );
  return lines;
}

export async function eraseAnswer(
  id: string,
  options: GlobalOptions & { readonly refuse?: boolean; readonly because?: string; readonly yes?: boolean },
  deps: CliDeps,
): Promise<number> {
  const refuse = options.refuse === true;
  if (!refuse && options.yes !== true) {
    if (!deps.isInteractive)
      throw new CliError('not-asked', exitCodes.usage, 'erasing cannot be undone; confirm with --yes');
    if (!(await isYes(deps, 'Erase what the other side asks you to erase?'))) {
      deps.out('Nothing was changed.\n');
      return exitCodes.no;
    }
  }
  const done = await withOperator(options, deps, (operator) =>
    answerErasure(operator, id, { refuse, because: options.because }),
  );
  deps.out(
    done.state === 'refused'
      ? `Refused; the other side of ${done.link} learns this when it asks again, within a minute.\n`
      : `Erased: ${count(done.actions, 'action')}; ${count(done.files, 'file')} within two hours. The other side of ${done.link} learns this within a minute. Your helpdesk still has it.\n`,
  );
  for (const link of done.asked) deps.out(`${link}: the other gateway is asked in turn.\n`);
  return exitCodes.ok;
}

const wordsOf = {
  asked: 'not yet received by the other side',
  waiting: 'waits for somebody',
  done: 'erased',
  refused: 'refused',
  unsupported: 'the other gateway is too old to be asked; ask its operators',
} as const;

export async function eraseStatus(
  options: GlobalOptions & { readonly json?: boolean },
  deps: CliDeps,
): Promise<number> {
  const all = await withOperator(options, deps, erasureStatus);
  if (options.json === true) for (const one of all) deps.out(`${JSON.stringify(one)}\n`);
  else if (all.length === 0) deps.out('There are no requests to erase anything, in either direction.\n');
  else
    for (const line of table([
      ['ID', 'LINK', 'WHO ASKS', 'ACTIONS', 'SINCE', 'STATE'],
      ...all.map(({ id, link, direction, actions, createdAt, state, answer }) => [
        id,
        link,
        direction === 'out' ? 'we' : 'the other side',
        String(actions.length),
        createdAt.slice(0, 16).replace('T', ' '),
        `${wordsOf[state]}${answer === null ? '' : `: ${printable(answer)}`}`,
      ]),
    ]))
      deps.out(`${line}\n`);
  return exitCodes.ok;
}

function trialLines(instance: string, ticket: string, underWay: boolean, isErased: boolean): string[] {
  const clean = `ferry check ${instance} --clean`;
  if (underWay)
    return [
      printable(
        `Kept while a trial may be running on ticket ${ticket} of ${instance}: the ticket's state before the trial. If the trial was killed, run ${clean}, then erase again.`,
      ),
    ];
  const what = `a trial left on ticket ${ticket} of ${instance}`;
  return [
    printable(
      isErased
        ? `${clean} still deletes the notes that ${what}, but it can no longer restore what the trial changed there.`
        : `Run ${clean} first: it deletes what ${what} and restores what the trial changed, which is impossible after erasing.`,
    ),
  ];
}
