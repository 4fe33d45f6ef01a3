/** What can be typed about settings: what they would do, and their versions. */
import { InvalidArgumentError, type Command } from 'commander';
import type { PreviewCommand } from './commands/preview.ts';
import type { DiffCommand, LogCommand, RollbackCommand } from './commands/settings.ts';
import type { CliDeps, GlobalOptions } from './deps.ts';

const whatHelp = 'a link, one of its sides (acme-north/supplier), or a profile (profiles/msp)';

export function addSettingsCommands(
  program: Command,
  deps: CliDeps,
  end: (exitCode: number) => void,
  global: () => GlobalOptions,
): void {
  const commands = () => import('./commands/settings.ts');
  program
    .command('preview')
    .description('what the far side would do with real actions; writes nothing anywhere')
    .option('--link <id>', 'the link')
    .option('--ticket <number>', 'a ticket of one of its sides: what each of its actions would do')
    .option('--side <side>', 'whose ticket it is: customer or supplier; needed where both have one of that number')
    .option(
      '--file <links.yaml>',
      'by this file, and what would be otherwise than now; without a ticket the last actions',
    )
    .option('--last <number>', 'of each link, with --file (100)', toNumber)
    .option('--notes', 'with the texts of notes')
    .option('--unchecked', "save even if a helpdesk can't be asked what it offers")
    .option('--json', 'print one line of JSON')
    .action(async (options: PreviewCommand) => {
      const { preview } = await import('./commands/preview.ts');
      end(await preview({ ...global(), ...options }, deps));
    });
  const settings = program.command('settings').description('versions of settings: each save is one');
  settings
    .command('log')
    .description('who saved which version when, newest first; of a link also of its sides and their profiles')
    .argument('[what]', `${whatHelp}; without it everything`)
    .option('--limit <number>', 'versions to show (50)', toNumber)
    .option('--json', 'print a line of JSON for each version')
    .action(async (what: string | undefined, options: LogCommand) =>
      end(await (await commands()).log(what, { ...global(), ...options }, deps)),
    );
  settings
    .command('diff')
    .description('what differs between two versions, line by line')
    .argument('<what>', whatHelp)
    .argument('[from]', 'a version (default: the previous one)', toNumber)
    .argument('[to]', 'a version; without it the one in force', toNumber)
    .option('--json', 'print one line of JSON')
    .action(async (what: string, from: number | undefined, to: number | undefined, options: DiffCommand) =>
      end(await (await commands()).diff(what, from, to, { ...global(), ...options }, deps)),
    );
  settings
    .command('rollback')
    .description('go back to an earlier version, checked like a file that is applied; this is a new version')
    .argument('<what>', whatHelp)
    .argument('<version>', 'see ferry settings log', toNumber)
    .option('--dry-run', 'only print the difference')
    .option('--yes', 'do not ask')
    .option('--unchecked', "save even if a helpdesk can't be asked what it offers")
    .option('--json', 'print one line of JSON')
    .action(async (what: string, version: number, options: RollbackCommand) =>
      end(await (await commands()).rollback(what, version, { ...global(), ...options }, deps)),
    );
}

function toNumber(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A number.');
}
