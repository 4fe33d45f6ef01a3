/** The commands for links between gateways and for API clients. Each command is loaded when it runs. */
import { InvalidArgumentError, type Command } from 'commander';
import type { CliDeps } from './deps.ts';
import type { End, Global } from './program-parts.ts';

const contactHelp = 'person whom the other side may call: "Ann Lee <ann@acme.example> +49 30 1234"';

export function addLinks(program: Command, deps: CliDeps, end: End, global: Global): void {
  const link = program.command('link').description('links with other gateways: pair, check, suspend, end');
  addPairing(link, deps, end, global);
  addLife(link, deps, end, global);
  addEnd(link, deps, end, global);
}

function addPairing(link: Command, deps: CliDeps, end: End, global: Global): void {
  link
    .command('invite')
    .description('create a one-time code with which another gateway joins a link')
    .option('--as <side>', 'which side your instance is: customer or supplier')
    .option('--instance <id>', 'your instance')
    .option('--link <id>', 'id of the link on this side')
    .option('--name <text>', 'name of the other side here, instead of its own name')
    .option('--contact <text>', contactHelp)
    .option('--wait', 'wait until the other side has accepted, and print the checks')
    .option('--json', 'print one line of JSON')
    .action(async (options: object) => {
      const { invite } = await import('./commands/link/invite.ts');
      end(await invite({ ...global(), ...options }, deps));
    });
  link
    .command('accept')
    .description('join a link with a code from the other side')
    .argument('[code]', 'prompts for it if it is missing; - reads it from standard input')
    .option('--instance <id>', 'your instance')
    .option('--link <id>', 'id of the link on this side')
    .option('--name <text>', 'name of the other side here, instead of its own name')
    .option('--contact <text>', contactHelp)
    .option('--again <link>', 'repeat the checks of a link that is not active yet')
    .action(async (code: string | undefined, options: object) => {
      const { accept } = await import('./commands/link/accept.ts');
      end(await accept(code, { ...global(), ...options }, deps));
    });
  link
    .command('check')
    .description('check a link again, in both directions')
    .argument('<link>')
    .action(async (id: string) => {
      const { check } = await import('./commands/link/check.ts');
      end(await check(id, global(), deps));
    });
  link
    .command('status')
    .description('show links: sides, state, checks, contacts')
    .argument('[link]')
    .option('--json', 'print one line of JSON')
    .action(async (id: string | undefined, options: object) => {
      const { status } = await import('./commands/link/status.ts');
      end(await status(id, { ...global(), ...options }, deps));
    });
}

function addLife(link: Command, deps: CliDeps, end: End, global: Global): void {
  link
    .command('suspend')
    .description('stop carrying for now; everything waits')
    .argument('<link>')
    .option('--because <text>', 'why, for people on both sides')
    .action(async (id: string, options: object) => {
      const { suspend } = await import('./commands/link/suspend.ts');
      end(await suspend(id, { ...global(), ...options }, deps));
    });
  link
    .command('quarantine')
    .description('after restoring database and blobs together: look for earlier writes before writing again')
    .argument('<link>')
    .action(async (id: string) => {
      const { quarantine } = await import('./commands/link/quarantine.ts');
      end(await quarantine(id, global(), deps));
    });
  link
    .command('resume')
    .description('resume a suspended or quarantined link, after comparing both sides')
    .argument('<link>')
    .option('--dry-run', 'only print what differs')
    .option('--yes', 'do not ask')
    .action(async (id: string, options: object) => {
      const { resume } = await import('./commands/link/resume.ts');
      end(await resume(id, { ...global(), ...options }, deps));
    });
  link
    .command('contact')
    .description('show or set contacts: yours, which the other side sees, or theirs')
    .argument('<link>')
    .argument('[contact]', '"Ann Lee <ann@acme.example> +49 30 1234"; without it both are shown')
    .option('--far', "set the other side's contact, for display here")
    .option('--none', 'nobody')
    .action(async (id: string, text: string | undefined, options: object) => {
      const { contact } = await import('./commands/link/contact.ts');
      end(await contact(id, text, { ...global(), ...options }, deps));
    });
  link
    .command('rotate')
    .description('create new credentials for the other side; the old ones work for a while')
    .argument('<link>')
    .action(async (id: string) => {
      const { rotate } = await import('./commands/link/rotate.ts');
      end(await rotate(id, global(), deps));
    });
}

function addEnd(link: Command, deps: CliDeps, end: End, global: Global): void {
  link
    .command('close')
    .description('end a link, and notify both desks and the other gateway')
    .argument('<link>')
    .option('--drain', 'carry what waits first (the usual way)')
    .option('--refuse', 'refuse what waits')
    .option('--wait <minutes>', 'drain for at most this long', toMinutes)
    .option('--because <text>', 'why, for people on both sides')
    .option('--yes', 'do not ask')
    .action(async (id: string, options: object) => {
      const { close } = await import('./commands/link/close.ts');
      end(await close(id, { ...global(), ...options }, deps));
    });
  link
    .command('export')
    .description('export everything that was carried on a link, as lines of JSON')
    .argument('<link>')
    .option('--out <file>', 'write to this new file')
    .action(async (id: string, options: object) => {
      const { exportTo } = await import('./commands/link/export.ts');
      end(await exportTo(id, { ...global(), ...options }, deps));
    });
  link
    .command('purge')
    .description('delete everything that was carried on a link that has ended')
    .argument('<link>')
    .option('--yes', 'do not ask')
    .action(async (id: string, options: object) => {
      const { purge } = await import('./commands/link/purge.ts');
      end(await purge(id, { ...global(), ...options }, deps));
    });
}

export function addClients(program: Command, deps: CliDeps, end: End, global: Global): void {
  const client = program
    .command('client')
    .description('API clients: programs that call the API, on a side without a gateway');
  client
    .command('add')
    .description('add a link with an API client, or another client to one; prints the secret once')
    .argument('<link>', 'id of a new or existing link')
    .option('--as <side>', 'which side the API client is: customer or supplier')
    .option('--instance <id>', 'your instance, on the other side')
    .option('--tool <id>', 'id of the instance that represents the API client')
    .option('--name <text>', 'name of the API client')
    .option('--contact <text>', 'person on duty for the API client')
    .option('--dpop', 'issue only tokens that are bound to a key of the client (RFC 9449)')
    .option('--json', 'print one line of JSON')
    .action(async (id: string, options: object) => {
      const { add } = await import('./commands/client/add.ts');
      end(await add(id, { ...global(), ...options }, deps));
    });
  client
    .command('rotate')
    .description('create a new secret; the previous ones work for 24 hours')
    .argument('<client>')
    .option('--dpop', 'from now on, issue only tokens that are bound to a key of the client (RFC 9449)')
    .action(async (id: string, options: object) => {
      const { rotate } = await import('./commands/client/rotate.ts');
      end(await rotate(id, { ...global(), ...options }, deps));
    });
  client
    .command('revoke')
    .description('make its credentials and tokens invalid at once')
    .argument('<client>')
    .action(async (id: string) => {
      const { revoke } = await import('./commands/client/revoke.ts');
      end(await revoke(id, global(), deps));
    });
}

function toMinutes(text: string): number {
  const minutes = Number(text);
  if (/^\d+(?:\.\d+)?$/.test(text) && minutes <= 10_000) return minutes;
  throw new InvalidArgumentError('A number of minutes.');
}
