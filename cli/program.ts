/** The `ferry` command: its subcommands and what each runs. */
import { Command, CommanderError, Option } from 'commander';
import type { CliDeps, GlobalOptions } from './deps.ts';
import { exitCodes } from './exit-codes.ts';
import { addErase } from './program-erase.ts';
import { addKeys, addVerify } from './program-keys.ts';
import { addClients, addLinks } from './program-links.ts';
import { addRuns } from './program-runs.ts';
import { addSettingsCommands } from './program-settings.ts';
import { addAudit, addDeliveries, addViews } from './program-views.ts';

/** Runs one command. @param args without node and program @returns the exit code */
export async function runCli(args: readonly string[], deps: CliDeps): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = build(deps, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const { tell } = await import('./errors.ts');
    const { line, exitCode: code } = tell(error);
    deps.err(`${line}\n`);
    return code;
  }
}

function build(deps: CliDeps, end: (exitCode: number) => void): Command {
  const program = new Command('ferry')
    .description(
      'Joins helpdesks: carries escalations, notes, statuses and files between them, exactly once and in order.',
    )
    .version(deps.version, '-V, --version')
    .enablePositionalOptions()
    .showHelpAfterError('(ferry --help lists all commands)')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({ writeOut: deps.out, writeErr: deps.err });
  for (const option of globalOptions()) program.addOption(option);
  let given: GlobalOptions = {};
  program.hook('preAction', (_, command) => {
    given = globalOf(command);
  });
  const global = (): GlobalOptions => given;

  // Subcommands inherit the configuration above.
  addRuns(program, deps, end, global);
  addViews(program, deps, end, global);
  addAudit(program, deps, end, global);
  addDeliveries(program, deps, end, global);
  addSettingsCommands(program, deps, end, global);
  addLinks(program, deps, end, global);
  addClients(program, deps, end, global);
  addKeys(program, deps, end, global);
  addErase(program, deps, end, global);
  addVerify(program, deps, end, global);
  program
    .command('version')
    .description('print the version')
    .action(() => {
      deps.out(`${deps.version}\n`);
    });
  takeGlobalOptions(program);
  return program;
}

function globalOptions(): Option[] {
  return [
    new Option('--database <url>', 'the database (default: DATABASE_URL, else that of the Ferry that runs here)'),
    new Option('--data <dir>', 'data directory of the Ferry on this machine, if not the default one'),
    new Option('--as <name>', 'your name for the audit (default: your account); goes before the command'),
  ];
}

/**
 * Adds the options that every command accepts, before its name or after it. If a command has an option of the same name,
 * that option is the command's own.
 */
function takeGlobalOptions(parent: Command): void {
  for (const command of parent.commands) {
    const own = new Set(command.options.map(({ long }) => long));
    for (const option of globalOptions()) if (!own.has(option.long)) command.addOption(option.hideHelp());
    command.enablePositionalOptions();
    takeGlobalOptions(command);
  }
}

/** Merges global options; the one nearest to the command wins. */
function globalOf(command: Command | null): GlobalOptions {
  if (command === null) return {};
  const { database, data, as } = command.opts<{ database?: string; data?: string; as?: string }>();
  const isName = command.options.some(({ flags }) => flags === '--as <name>');
  return {
    ...globalOf(command.parent),
    ...(database === undefined ? {} : { database }),
    ...(data === undefined ? {} : { data }),
    ...(as === undefined || !isName ? {} : { by: as }),
  };
}
