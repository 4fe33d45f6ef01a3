/** What can be typed about links between gateways and their clients. Each command is loaded when it runs. */
import { InvalidArgumentError, type Command } from 'commander';
import type { CliDeps } from './deps.ts';
import type { End, Global } from './program-parts.ts';

const contactHelp = 'whom the other side may call: "Ann Lee <ann@acme.example> +49 30 1234"';

export function addLinks(program: Command, deps: CliDeps, end: End, global: Global): void {
  const link = program.command('link').description('links with other gateways: pair, look, suspend, end');
  addPairing(link, deps, end, global);
  addLife(link, deps, end, global);
  addEnd(link, deps, end, global);
}

function addPairing(link: Command, deps: CliDeps, end: End, global: Global): void {
  link
    .command('invite')
    .description('make a one-time code with which another gateway joins a link')
    .option('--as <side>', 'which side your instance is: customer or supplier')
    .option('--instance <id>', 'your instance')
    .option('--link <id>', 'how the link is called here')
    .option('--name <text>', 'how the other side is called here, instead of its own name')
    .option('--contact <text>', contactHelp)
    .option('--wait', 'until the other side has accepted, and print the checks')
    .option('--json', 'print one line of JSON')
    .action(async (options: object) => {
      const { invite } = await import('./commands/link/invite.ts');
      end(await invite({ ...global(), ...options }, deps));
    });
  link
    .command('accept')
    .description('join a link with the code that the other side has made')
    .argument('[code]', 'asked for where it is missing; -: it comes by the input')
    .option('--instance <id>', 'your instance')
    .option('--link <id>', 'how the link is called here')
    .option('--name <text>', 'how the other side is called here, instead of its own name')
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
    .description('how links stand: sides, state, checks, whom to call')
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
    .description('carry nothing for now; everything waits')
    .argument('<link>')
    .option('--because <text>', 'why, for people at both sides')
    .action(async (id: string, options: object) => {
      const { suspend } = await import('./commands/link/suspend.ts');
      end(await suspend(id, { ...global(), ...options }, deps));
    });
  link
    .command('quarantine')
    .description('database and blobs were put back together: look for what is written before it is written again')
    .argument('<link>')
    .action(async (id: string) => {
      const { quarantine } = await import('./commands/link/quarantine.ts');
      end(await quarantine(id, global(), deps));
    });
  link
    .command('resume')
    .description('let a suspended or quarantined link go on, after comparing both sides')
    .argument('<link>')
    .option('--dry-run', 'only say what differs')
    .option('--yes', 'do not ask')
    .action(async (id: string, options: object) => {
      const { resume } = await import('./commands/link/resume.ts');
      end(await resume(id, { ...global(), ...options }, deps));
    });
  link
    .command('contact')
    .description('whom to call: yours, told to the other side; or theirs')
    .argument('<link>')
    .argument('[contact]', '"Ann Lee <ann@acme.example> +49 30 1234"; without it both are shown')
    .option('--far', "the other side's, as shown here")
    .option('--none', 'nobody')
    .action(async (id: string, text: string | undefined, options: object) => {
      const { contact } = await import('./commands/link/contact.ts');
      end(await contact(id, text, { ...global(), ...options }, deps));
    });
  link
    .command('rotate')
    .description('new credentials for the other side, with overlap')
    .argument('<link>')
    .action(async (id: string) => {
      const { rotate } = await import('./commands/link/rotate.ts');
      end(await rotate(id, global(), deps));
    });
}

function addEnd(link: Command, deps: CliDeps, end: End, global: Global): void {
  link
    .command('close')
    .description('end a link: both desks and the other gateway are told')
    .argument('<link>')
    .option('--drain', 'carry what waits first (the usual way)')
    .option('--refuse', 'refuse what waits')
    .option('--wait <minutes>', 'how long to drain at most', toMinutes)
    .option('--because <text>', 'said to both desks')
    .option('--yes', 'do not ask')
    .action(async (id: string, options: object) => {
      const { close } = await import('./commands/link/close.ts');
      end(await close(id, { ...global(), ...options }, deps));
    });
  link
    .command('export')
    .description('everything that was carried on a link, as lines of JSON')
    .argument('<link>')
    .option('--out <file>', 'into a new file')
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
  const client = program.command('client').description('in-house tools that call the API, without a gateway');
  client
    .command('add')
    .description('a link with a tool, or a further client of one; prints the secret once')
    .argument('<link>', 'the id of the link, new or there already')
    .option('--as <side>', 'which side the tool is: customer or supplier')
    .option('--instance <id>', 'your instance, on the other side')
    .option('--tool <id>', 'id of the instance that stands for the tool')
    .option('--name <text>', 'how the tool is called')
    .option('--contact <text>', 'who is on duty for the tool')
    .option('--dpop', 'give it only tokens that are bound to a key of its own (RFC 9449)')
    .option('--json', 'print one line of JSON')
    .action(async (id: string, options: object) => {
      const { add } = await import('./commands/client/add.ts');
      end(await add(id, { ...global(), ...options }, deps));
    });
  client
    .command('rotate')
    .description('a new secret; the ones before work for 24 hours')
    .argument('<client>')
    .option('--dpop', 'from now on only with tokens that are bound to a key of its own (RFC 9449)')
    .action(async (id: string, options: object) => {
      const { rotate } = await import('./commands/client/rotate.ts');
      end(await rotate(id, { ...global(), ...options }, deps));
    });
  client
    .command('revoke')
    .description('from now on neither its credentials nor its tokens work')
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
