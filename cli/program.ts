/** The `ferry` command: its subcommands and what each runs. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { ApplyCommand } from './commands/apply.ts';
import type { AuditCommand } from './commands/audit.ts';
import type { CheckCommand } from './commands/check.ts';
import type { PauseCommand } from './commands/pause.ts';
import type { ReplayCommand } from './commands/replay.ts';
import type { StatusCommand } from './commands/status.ts';
import type { TraceCommand } from './commands/trace.ts';
import type { CliDeps, GlobalOptions, StartOptions } from './deps.ts';
import { exitCodes } from './exit-codes.ts';
import { addLinkCommands } from './program-links.ts';
import { addSettingsCommands } from './program-settings.ts';

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
  // Subcommands inherit the configuration above.
  const command = (name: string, description: string): Command => program.command(name).description(description);
  // Each command loads its modules when it runs, so that help and version appear at once.
  const deliveries = () => import('./commands/deliveries.ts');
  const global = (): GlobalOptions => given;

  command('start', 'run everything on this machine: database, Temporal, gateway, worker, demo')
    .option('--reset', 'wipe the data first')
    .option('--json', 'print one line of JSON once ready')
    .option('--empty', 'leave out the demo')
    .option('--rt', 'make Northwind a real Request Tracker, if one is installed')
    .option('--port <port>', 'of the gateway', toPort)
    .option('--page-port <port>', "of the demo's page", toPort)
    .option('--acme-port <port>', 'of the helpdesk Acme', toPort)
    .option('--northwind-port <port>', 'of the helpdesk Northwind', toPort)
    .option('--temporal-port <port>', 'of Temporal', toPort)
    .option('--temporal-ui', "serve Temporal's pages, which need no login")
    .option('--temporal-ui-port <port>', "of Temporal's pages; implies --temporal-ui", toPort)
    .option('--unchecked-download', 'run a downloaded Temporal whose checksum is unknown')
    .option('--postgres-port <port>', 'of PostgreSQL', toPort)
    .action(async (options: StartFlags) => {
      const { data } = global();
      end(await deps.programs.start({ ...startOptions(options), ...(data === undefined ? {} : { data }) }));
    });
  command('gateway', 'run the gateway').action(async () => end(await deps.programs.gateway()));
  command('worker', 'run a worker').action(async () => end(await deps.programs.worker()));
  command('migrate', "upgrade the database to this version's schema").action(async () => {
    const { migrateDatabase } = await import('./wire.ts');
    const roles = await migrateDatabase(global(), deps);
    deps.out("The database has this version's schema.\n");
    for (const role of roles) deps.out(`The role ${role} has its rights.\n`);
  });

  command('apply', 'create or change instances, links and settings from a file')
    .argument('<file>', 'links.yaml; docs/settings.md explains its keys')
    .option('--dry-run', 'only print the difference')
    .option('--yes', 'do not ask')
    .option('--unchecked', "apply even if a helpdesk can't be asked what it offers")
    .option('--moved <instance>', 'the same helpdesk at a new address; repeatable', also, [])
    .option('--new <instance>', 'a different helpdesk; ends what was mirrored with the earlier one', also, [])
    .option('--json', 'print one line of JSON')
    .action(async (file: string, options: ApplyCommand) => {
      const { apply } = await import('./commands/apply.ts');
      end(await apply(file, { ...global(), ...options }, deps));
    });
  command('check', "test Ferry's assumptions about a helpdesk")
    .argument('<instance>', 'its id in Ferry; ferry status lists them')
    .option('--json', 'print a line of JSON for each finding')
    .option('--write <ticket>', 'also write to this ticket, which nobody needs, then delete what was written')
    .option('--yes', 'do not ask')
    .option('--report', 'print its answers as JSON, without names')
    .option('--clean', 'only delete what a killed trial left')
    .action(async (instance: string, options: CheckCommand) => {
      const { check } = await import('./commands/check.ts');
      end(await check(instance, { ...global(), ...options }, deps));
    });
  command('lint', 'check the settings of links for errors and risks')
    .argument('[link]', 'only this one (default: all)')
    .option('--json', 'print one line of JSON')
    .action(async (link: string | undefined, options: { readonly json?: boolean }) => {
      const { lint } = await import('./commands/lint.ts');
      end(await lint(link, { ...global(), ...options }, deps));
    });
  command('trace', 'show the timeline of a ticket across both sides')
    .argument('<instance>', 'id of its helpdesk in Ferry; ferry status lists them')
    .argument('<ticket>', 'its id or number')
    .option('--follow', 'keep printing what happens')
    .option('--notes', 'include names and the texts of notes')
    .option('--json', 'print JSON; with --follow a line for each change')
    .action(async (instance: string, ticket: string, options: TraceCommand) => {
      const { trace } = await import('./commands/trace.ts');
      end(await trace(instance, ticket, { ...global(), ...options }, deps));
    });
  command('status', 'show instances, links, what is waiting and what is held')
    .option('--json', 'print one line of JSON')
    .action(async (options: StatusCommand) => {
      const { status } = await import('./commands/status.ts');
      end(await status({ ...global(), ...options }, deps));
    });

  command('audit', 'show who did what, newest first')
    .option('--link <id>', 'only entries about this link')
    .option('--who <name>', 'only entries by this person')
    .option('--what <verb>', 'only this verb, for instance apply or release')
    .option('--on <subject>', 'only this subject, for instance links/acme-north or instances')
    .option('--since <time>', 'a day, an instant, or an age: 90m, 12h, 7d')
    .option('--until <time>', 'the same')
    .option('--limit <number>', 'entries to show (100)', toNumber)
    .option('--before <id>', 'only entries older than this one')
    .option('--json', 'print a line of JSON for each entry')
    .action(async (options: AuditCommand) => {
      const { audit } = await import('./commands/audit.ts');
      end(await audit({ ...global(), ...options }, deps));
    });

  command('retry', 'retry at once everything that waits for an instance, or one refused delivery')
    .argument('<instance or delivery>')
    .action(async (what: string) => end(await (await deliveries()).retry(what, global(), deps)));
  command('replay', "carry a link's refused deliveries again, with today's settings; mails no end user")
    .argument('<link>')
    .argument('[deliveries...]', 'only these (default: all refused ones)')
    .option('--since <time>', 'only what was refused since a day, an instant, or an age: 90m, 12h, 7d')
    .option('--until <time>', 'the same')
    .option('--dry-run', 'only print what would happen to each')
    .option('--mail', 'mail end users if the settings say so')
    .option('--notes', 'include the texts of notes')
    .option('--yes', 'do not ask')
    .option('--json', 'print one line of JSON')
    .action(async (link: string, ids: readonly string[], options: ReplayCommand) => {
      const { replay } = await import('./commands/replay.ts');
      end(await replay(link, ids, { ...global(), ...options }, deps));
    });
  command('release', 'deliver a held delivery')
    .argument('<delivery>')
    .action(async (id: string) => end(await (await deliveries()).release(id, global(), deps)));
  command('skip', 'drop a delivery that has not ended')
    .argument('<delivery>')
    .action(async (id: string) => end(await (await deliveries()).skip(id, global(), deps)));
  command('pause', 'carry nothing on a link until a time, for maintenance; then it resumes')
    .argument('<link>')
    .option('--until <time>', 'an instant with its zone (2026-12-01T06:00Z), or from now: 90m, 12h, 7d')
    .option('--why <text>', 'the reason, for people on both sides')
    .action(async (id: string, options: PauseCommand) => {
      const { pause } = await import('./commands/pause.ts');
      end(await pause(id, { ...global(), ...options }, deps));
    });
  command('resume', 'resume a paused mirror, or an instance whose helpdesk was restored from a backup')
    .argument('<mirror or instance>')
    .option('--dry-run', 'for an instance: only print what differs')
    .option('--yes', 'do not ask')
    .action(async (what: string, options: { readonly dryRun?: boolean; readonly yes?: boolean }) =>
      end(await (await deliveries()).resume(what, { ...global(), ...options }, deps)),
    );
  addSettingsCommands(program, deps, end, global);
  addLinkCommands(program, deps, end, global);
  command('version', 'print the version').action(() => {
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

type StartFlags = {
  readonly reset?: boolean;
  readonly json?: boolean;
  readonly empty?: boolean;
  readonly rt?: boolean;
  readonly port?: number;
  readonly pagePort?: number;
  readonly acmePort?: number;
  readonly northwindPort?: number;
  readonly temporalPort?: number;
  readonly temporalUi?: boolean;
  readonly temporalUiPort?: number;
  readonly uncheckedDownload?: boolean;
  readonly postgresPort?: number;
};

function startOptions(flags: StartFlags): StartOptions {
  const { reset, json, empty, rt, temporalUi, uncheckedDownload } = flags;
  const ports = {
    gateway: flags.port,
    page: flags.pagePort,
    acme: flags.acmePort,
    northwind: flags.northwindPort,
    temporal: flags.temporalPort,
    temporalUi: flags.temporalUiPort,
    postgres: flags.postgresPort,
  };
  return {
    ...(reset === undefined ? {} : { reset }),
    ...(json === undefined ? {} : { json }),
    ...(empty === undefined ? {} : { empty }),
    ...(rt === undefined ? {} : { rt }),
    ...(temporalUi === undefined ? {} : { temporalUi }),
    ...(uncheckedDownload === undefined ? {} : { uncheckedDownload }),
    ports: Object.fromEntries(
      Object.entries(ports).flatMap(([name, port]) => (port === undefined ? [] : [[name, port]])),
    ),
  };
}

function toNumber(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A number.');
}

function toPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('A port is a number from 1 to 65535.');
}

/** Collects the values of a repeatable option. */
function also(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
