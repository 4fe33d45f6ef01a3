/** The `ferry` command: what can be typed, and what it runs. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { ferryVersion } from '#config/version.ts';
import type { ApplyCommand } from './commands/apply.ts';
import type { StatusCommand } from './commands/status.ts';
import type { TraceCommand } from './commands/trace.ts';
import type { GlobalOptions } from './context.ts';
import type { CliDeps } from './deps.ts';
import { addLinkCommands } from './link/program.ts';
import { exitCodes } from './exit-codes.ts';

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
    .version(ferryVersion(), '-V, --version')
    .option('--database <url>', 'the database; else DATABASE_URL, else that of the Ferry that runs here')
    .option('--data <dir>', 'data directory of the Ferry that runs here, or shall, if not the default one')
    .showHelpAfterError('(ferry --help lists all commands)')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({ writeOut: deps.out, writeErr: deps.err });
  // Subcommands inherit what was configured before.
  const command = (name: string, description: string): Command => program.command(name).description(description);
  // Each command loads what it needs when it runs: the help and the version are there at once.
  const operating = () => import('./commands/operate.ts');
  const global = (): GlobalOptions => program.opts<GlobalOptions>();

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
    const [{ findContext }, { migrate }] = await Promise.all([import('./context.ts'), import('#db/base/migrate.ts')]);
    const { databaseUrl } = await findContext(global(), deps, { secrets: false });
    await migrate(databaseUrl);
    deps.out("The database has this version's schema.\n");
  });

  command('apply', 'create or change instances, links and settings as a file says')
    .argument('<file>', 'links.yaml; docs/settings.md has its keys')
    .option('--dry-run', 'only print the difference')
    .option('--yes', 'do not ask')
    .option('--unchecked', "go on where a helpdesk can't be asked what it offers")
    .option('--json', 'print one line of JSON')
    .action(async (file: string, options: ApplyCommand) => {
      const { apply } = await import('./commands/apply.ts');
      end(await apply(file, { ...global(), ...options }, deps));
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

  command('retry', 'try again at once what waits for an instance')
    .argument('<instance>')
    .action(async (instance: string) => end(await (await operating()).retry(instance, global(), deps)));
  command('release', 'let a held delivery go')
    .argument('<delivery>')
    .action(async (id: string) => end(await (await operating()).release(id, global(), deps)));
  command('skip', 'drop a delivery that has not ended')
    .argument('<delivery>')
    .action(async (id: string) => end(await (await operating()).skip(id, global(), deps)));
  command('resume', 'let a paused mirror go on')
    .argument('<mirror>')
    .action(async (id: string) => end(await (await operating()).resume(id, global(), deps)));
  addLinkCommands(program, deps, end);
  command('version', 'print the version').action(() => {
    deps.out(`${ferryVersion()}\n`);
  });
  return program;
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

function startOptions(flags: StartFlags): Parameters<CliDeps['programs']['start']>[0] {
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

function toPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('A port is a number from 1 to 65535.');
}
