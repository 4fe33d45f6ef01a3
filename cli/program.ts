/** The `ferry` command: what can be typed, and what it runs. */
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
    .description('Joins helpdesks: escalations, notes, statuses and files travel between them, once and in order.')
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
  // Subcommands inherit what was configured before.
  const command = (name: string, description: string): Command => program.command(name).description(description);
  // Each command loads what it needs when it runs: the help and the version are there at once.
  const deliveries = () => import('./commands/deliveries.ts');
  const global = (): GlobalOptions => given;

  command('start', 'run everything on this machine: database, Temporal, gateway, worker, demo')
    .option('--reset', 'wipe the data first')
    .option('--json', 'print one line of JSON once ready')
    .option('--empty', 'without the demo')
    .option('--rt', 'Northwind is a real Request Tracker, where it is installed')
    .option('--port <port>', 'of the gateway', toPort)
    .option('--page-port <port>', "of the demo's page", toPort)
    .option('--acme-port <port>', 'of the helpdesk Acme', toPort)
    .option('--northwind-port <port>', 'of the helpdesk Northwind', toPort)
    .option('--temporal-port <port>', 'of Temporal', toPort)
    .option('--temporal-ui', "with Temporal's pages, which ask nobody who they are")
    .option('--temporal-ui-port <port>', "of Temporal's pages; asks for them", toPort)
    .option('--unchecked-download', 'run a Temporal that is downloaded without a known checksum')
    .option('--postgres-port <port>', 'of PostgreSQL', toPort)
    .action(async (options: StartFlags) => {
      const { data } = global();
      end(await deps.programs.start({ ...startOptions(options), ...(data === undefined ? {} : { data }) }));
    });
  command('gateway', 'run the gateway').action(async () => end(await deps.programs.gateway()));
  command('worker', 'run a worker').action(async () => end(await deps.programs.worker()));
  command('migrate', "bring the database to this version's schema").action(async () => {
    const { migrateDatabase } = await import('./wire.ts');
    const roles = await migrateDatabase(global(), deps);
    deps.out("The database has this version's schema.\n");
    for (const role of roles) deps.out(`The role ${role} has its rights on it.\n`);
  });

  command('apply', 'create or change instances, links and settings as a file says')
    .argument('<file>', 'links.yaml; docs/settings.md has its keys')
    .option('--dry-run', 'only print the difference')
    .option('--yes', 'do not ask')
    .option('--unchecked', "go on where a helpdesk can't be asked what it offers")
    .option('--moved <instance>', 'it is the same helpdesk at another address; may be given several times', also, [])
    .option('--new <instance>', 'it is another helpdesk, and what was mirrored with the earlier one ends', also, [])
    .option('--json', 'print one line of JSON')
    .action(async (file: string, options: ApplyCommand) => {
      const { apply } = await import('./commands/apply.ts');
      end(await apply(file, { ...global(), ...options }, deps));
    });
  command('check', 'ask a helpdesk whether it is as Ferry takes it to be')
    .argument('<instance>', 'its id in Ferry, see ferry status')
    .option('--json', 'print a line of JSON for each finding')
    .option('--write <ticket>', 'also write on this ticket, which nobody needs, and delete it again')
    .option('--yes', 'do not ask')
    .option('--report', 'print how it answers as JSON, without names')
    .option('--clean', 'only delete what a trial left that was killed')
    .action(async (instance: string, options: CheckCommand) => {
      const { check } = await import('./commands/check.ts');
      end(await check(instance, { ...global(), ...options }, deps));
    });
  command('lint', 'what is wrong, or worth a look, with the settings of links')
    .argument('[link]', 'only this one; without it all of them')
    .option('--json', 'print one line of JSON')
    .action(async (link: string | undefined, options: { readonly json?: boolean }) => {
      const { lint } = await import('./commands/lint.ts');
      end(await lint(link, { ...global(), ...options }, deps));
    });
  command('trace', 'the timeline of a ticket across both sides')
    .argument('<instance>', 'the id of its helpdesk in Ferry, see ferry status')
    .argument('<ticket>', 'its id or number')
    .option('--follow', 'go on printing what happens')
    .option('--notes', 'with names and the texts of notes')
    .option('--json', 'print JSON; with --follow a line for each change')
    .action(async (instance: string, ticket: string, options: TraceCommand) => {
      const { trace } = await import('./commands/trace.ts');
      end(await trace(instance, ticket, { ...global(), ...options }, deps));
    });
  command('status', 'instances, links, what waits and what is held')
    .option('--json', 'print one line of JSON')
    .action(async (options: StatusCommand) => {
      const { status } = await import('./commands/status.ts');
      end(await status({ ...global(), ...options }, deps));
    });

  command('audit', 'who did what, newest first')
    .option('--link <id>', 'only what concerns this link')
    .option('--who <name>', 'only what this person did')
    .option('--what <verb>', 'only this, for instance apply or release')
    .option('--on <subject>', 'only on this, for instance links/acme-north or instances')
    .option('--since <time>', 'a day, an instant, or how long ago: 90m, 12h, 7d')
    .option('--until <time>', 'the same')
    .option('--limit <number>', 'entries to show (100)', toNumber)
    .option('--before <id>', 'only older ones than this entry')
    .option('--json', 'print a line of JSON for each entry')
    .action(async (options: AuditCommand) => {
      const { audit } = await import('./commands/audit.ts');
      end(await audit({ ...global(), ...options }, deps));
    });

  command('retry', 'try again at once what waits for an instance, or one delivery that was refused')
    .argument('<instance or delivery>')
    .action(async (what: string) => end(await (await deliveries()).retry(what, global(), deps)));
  command('replay', 'carry what was refused on a link once more, by the settings of today; mails no end user')
    .argument('<link>')
    .argument('[deliveries...]', 'only these; without them every refused one')
    .option('--since <time>', 'only what was refused since: a day, an instant, or how long ago: 90m, 12h, 7d')
    .option('--until <time>', 'the same')
    .option('--dry-run', 'only print what would become of each')
    .option('--mail', 'mail end users where the settings say so')
    .option('--notes', 'with the texts of notes')
    .option('--yes', 'do not ask')
    .option('--json', 'print one line of JSON')
    .action(async (link: string, ids: readonly string[], options: ReplayCommand) => {
      const { replay } = await import('./commands/replay.ts');
      end(await replay(link, ids, { ...global(), ...options }, deps));
    });
  command('release', 'let a held delivery go')
    .argument('<delivery>')
    .action(async (id: string) => end(await (await deliveries()).release(id, global(), deps)));
  command('skip', 'drop a delivery that has not ended')
    .argument('<delivery>')
    .action(async (id: string) => end(await (await deliveries()).skip(id, global(), deps)));
  command('pause', 'carry nothing on a link until a time, for maintenance; then it goes on by itself')
    .argument('<link>')
    .option('--until <time>', 'an instant with its zone (2026-12-01T06:00Z), or from now: 90m, 12h, 7d')
    .option('--why <text>', 'for people, here and at the other side')
    .action(async (id: string, options: PauseCommand) => {
      const { pause } = await import('./commands/pause.ts');
      end(await pause(id, { ...global(), ...options }, deps));
    });
  command('resume', 'let a paused mirror go on, or an instance whose helpdesk was restored from a backup')
    .argument('<mirror or instance>')
    .option('--dry-run', 'of an instance: only print what differs')
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
    new Option('--database <url>', 'the database; else DATABASE_URL, else that of the Ferry that runs here'),
    new Option('--data <dir>', 'data directory of the Ferry that runs here, or shall, if not the default one'),
    new Option('--as <name>', 'who you are, for the audit, if not your account; before the command'),
  ];
}

/**
 * Every command takes them, before its own options and among them; but where a command has an option of that name, it
 * is the command's own.
 */
function takeGlobalOptions(parent: Command): void {
  for (const command of parent.commands) {
    const own = new Set(command.options.map(({ long }) => long));
    for (const option of globalOptions()) if (!own.has(option.long)) command.addOption(option.hideHelp());
    command.enablePositionalOptions();
    takeGlobalOptions(command);
  }
}

/** What is said nearest to the command counts. */
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

/** An option that may be given several times. */
function also(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
