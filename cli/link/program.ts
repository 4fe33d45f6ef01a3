/** What can be typed about links between gateways, clients, keys and proofs. */
import { InvalidArgumentError, type Command } from 'commander';
import type { GlobalOptions } from '#cli/context.ts';
import type { CliDeps } from '#cli/deps.ts';

const contactHelp = 'whom the other side may call: "Ann Lee <ann@acme.example> +49 30 1234"';

export function addLinkCommands(program: Command, deps: CliDeps, end: (exitCode: number) => void): void {
  const global = (): GlobalOptions => program.opts<GlobalOptions>();
  /** Loaded when it runs. */
  const pairing = () => import('#cli/commands/link-pair.ts');

  const link = program.command('link').description('links with other gateways: pair, look, suspend, end');
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
    .action(async (options: object) => end(await (await pairing()).invite({ ...global(), ...options }, deps)));
  link
    .command('accept')
    .description('join a link with the code that the other side has made')
    .argument('[code]')
    .option('--instance <id>', 'your instance')
    .option('--link <id>', 'how the link is called here')
    .option('--name <text>', 'how the other side is called here, instead of its own name')
    .option('--contact <text>', contactHelp)
    .option('--again <link>', 'repeat the checks of a link that is not active yet')
    .action(async (code: string | undefined, options: object) =>
      end(await (await pairing()).accept(code, { ...global(), ...options }, deps)),
    );
  link
    .command('check')
    .description('check a link again, in both directions')
    .argument('<link>')
    .action(async (id: string) => end(await (await pairing()).check(id, global(), deps)));
  const state = () => import('#cli/commands/link-state.ts');
  const credentials = () => import('#cli/commands/credentials.ts');
  const records = () => import('#cli/commands/link-export.ts');
  link
    .command('status')
    .description('how links stand: sides, state, checks, whom to call')
    .argument('[link]')
    .option('--json', 'print one line of JSON')
    .action(async (id: string | undefined, options: object) => {
      const { linkStatus } = await import('#cli/commands/link-status.ts');
      end(await linkStatus(id, { ...global(), ...options }, deps));
    });
  link
    .command('suspend')
    .description('carry nothing for now; everything waits')
    .argument('<link>')
    .option('--because <text>', 'why, for whoever looks')
    .action(async (id: string, options: object) =>
      end(await (await state()).suspend(id, { ...global(), ...options }, deps)),
    );
  link
    .command('resume')
    .description('let a suspended or quarantined link go on, after comparing both sides')
    .argument('<link>')
    .option('--dry-run', 'only say what differs')
    .option('--yes', 'do not ask')
    .action(async (id: string, options: object) =>
      end(await (await state()).resumeLink(id, { ...global(), ...options }, deps)),
    );
  link
    .command('contact')
    .description('whom to call: yours, told to the other side; or theirs')
    .argument('<link>')
    .argument('[contact]', '"Ann Lee <ann@acme.example> +49 30 1234"; without it both are shown')
    .option('--far', "the other side's, as shown here")
    .option('--none', 'nobody')
    .action(async (id: string, text: string | undefined, options: object) =>
      end(await (await state()).contact(id, text, { ...global(), ...options }, deps)),
    );
  link
    .command('rotate')
    .description('new credentials for the other side, with overlap')
    .argument('<link>')
    .action(async (id: string) => end(await (await credentials()).linkRotate(id, global(), deps)));
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
      const { close } = await import('#cli/commands/link-close.ts');
      end(await close(id, { ...global(), ...options }, deps));
    });
  link
    .command('export')
    .description('everything that was carried on a link, as lines of JSON')
    .argument('<link>')
    .option('--out <file>', 'into a new file')
    .action(async (id: string, options: object) =>
      end(await (await records()).exportTo(id, { ...global(), ...options }, deps)),
    );
  link
    .command('purge')
    .description('delete everything that was carried on a link that has ended')
    .argument('<link>')
    .option('--yes', 'do not ask')
    .action(async (id: string, options: object) =>
      end(await (await records()).purge(id, { ...global(), ...options }, deps)),
    );

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
    .option('--json', 'print one line of JSON')
    .action(async (id: string, options: object) =>
      end(await (await credentials()).clientAdd(id, { ...global(), ...options }, deps)),
    );
  client
    .command('rotate')
    .description('a new secret; the ones before work for 24 hours')
    .argument('<client>')
    .action(async (id: string) => end(await (await credentials()).clientRotate(id, global(), deps)));
  client
    .command('revoke')
    .description('from now on neither its credentials nor its tokens work')
    .argument('<client>')
    .action(async (id: string) => end(await (await credentials()).clientRevoke(id, global(), deps)));

  program
    .command('key')
    .description("an instance's signing keys")
    .command('rotate')
    .description('publish new keys; they sign a quarter of an hour later')
    .argument('<instance>')
    .option('--use <use>', 'only this one: token, client or provenance')
    .action(async (instance: string, options: object) =>
      end(await (await credentials()).keyRotate(instance, { ...global(), ...options }, deps)),
    );
  program
    .command('verify')
    .description('prove who said what on a ticket, by the signatures that were kept')
    .argument('<instance>')
    .argument('<ticket>', 'its id or number')
    .option('--offline', 'ask nobody')
    .option('--json', 'print a line of JSON for each action')
    .action(async (instance: string, ticket: string, options: object) => {
      const { verify } = await import('#cli/commands/verify.ts');
      end(await verify(instance, ticket, { ...global(), ...options }, deps));
    });
}

function toMinutes(text: string): number {
  const minutes = Number(text);
  if (/^\d+(?:\.\d+)?$/.test(text) && minutes <= 10_000) return minutes;
  throw new InvalidArgumentError('A number of minutes.');
}
