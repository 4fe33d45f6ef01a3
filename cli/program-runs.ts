/** The commands that run Ferry's programs. */
import { InvalidArgumentError, type Command } from 'commander';
import type { CliDeps, StartOptions } from './deps.ts';
import type { End, Global } from './program-parts.ts';

export function addRuns(program: Command, deps: CliDeps, end: End, global: Global): void {
  const command = (name: string, description: string): Command => program.command(name).description(description);
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

function toPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('A port is a number from 1 to 65535.');
}
