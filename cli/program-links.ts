/** What can be typed about links between gateways, clients, keys and proofs. */
import { InvalidArgumentError, type Command } from 'commander';
import type { CliDeps, GlobalOptions } from './deps.ts';

const contactHelp = 'whom the other side may call: "Ann Lee <ann@acme.example> +49 30 1234"';

type End = (exitCode: number) => void;
type Global = () => GlobalOptions;

export function addLinkCommands(program: Command, deps: CliDeps, end: End, global: Global): void {
  addLinks(program, deps, end, global);
  addClients(program, deps, end, global);
  const key = program.command('key').description("an instance's signing keys, and the key of what is kept sealed");
  key
    .command('reseal')
    .description('seal with the first key of FERRY_SECRET_KEY what older ones have sealed')
    .option('--contents', 'notes, names, values and files instead, with the first key of FERRY_CONTENT_KEY')
    .option('--json', 'print one line of JSON')
    .action(async (options: { readonly contents?: boolean }) => {
      const { reseal, resealAllContents } = await import('./commands/key/reseal.ts');
      end(await (options.contents === true ? resealAllContents : reseal)({ ...global(), ...options }, deps));
    });
  key
    .command('rotate')
    .description('publish new keys; they sign a quarter of an hour later')
    .argument('<instance>')
    .option('--use <use>', 'only this one: token, client or provenance')
    .action(async (instance: string, options: object) => {
      const { rotate } = await import('./commands/key/rotate.ts');
      end(await rotate(instance, { ...global(), ...options }, deps));
    });
  key
    .command('retire')
    .description('shut out a key that somebody else may have: one of ours, or one of another organisation')
    .argument('<key>', 'its name, as ferry verify and key sets show it')
    .option('--origin <issuer>', 'whose it is, where it is not ours')
    .option('--because <text>', 'why, for the audit')
    .action(async (kid: string, options: object) => {
      const { retire } = await import('./commands/key/retire.ts');
      end(await retire(kid, { ...global(), ...options }, deps));
    });
  key
    .command('reinstate')
    .description('take back that a key of another organisation was retired')
    .argument('<key>', 'its name, as ferry verify and key sets show it')
    .option('--origin <issuer>', 'whose it is, where several have one of that name')
    .option('--because <text>', 'why, for the audit')
    .action(async (kid: string, options: object) => {
      const { reinstate } = await import('./commands/key/reinstate.ts');
      end(await reinstate(kid, { ...global(), ...options }, deps));
    });
  const erase = program.command('erase').description('forget a ticket or a person: what Ferry keeps, at both sides');
  erase
    .command('ticket')
    .description('what was carried of a ticket, and what its mirrors brought')
    .argument('<instance>')
    .argument('<ticket>', 'its id or number')
    .option('--dry-run', 'only count')
    .option('--yes', 'do not ask')
    .option('--json', 'print one line of JSON')
    .action(async (instance: string, ticket: string, options: object) => {
      const { eraseTicket } = await import('./commands/erase.ts');
      end(await eraseTicket(instance, ticket, { ...global(), ...options }, deps));
    });
  erase
    .command('person')
    .description('what a person wrote')
    .argument('<name>', 'the whole name, or the mail address')
    .option('--mentions', 'also what others wrote that has it in it')
    .option('--dry-run', 'only count')
    .option('--yes', 'do not ask')
    .option('--json', 'print one line of JSON')
    .action(async (person: string, options: object) => {
      const { erasePerson } = await import('./commands/erase.ts');
      end(await erasePerson(person, { ...global(), ...options }, deps));
    });
  erase
    .command('status')
    .description('what other sides were asked to erase, what they ask of you, and the answers')
    .option('--json', 'print a line of JSON for each')
    .action(async (options: object) => {
      const { eraseStatus } = await import('./commands/erase.ts');
      end(await eraseStatus({ ...global(), ...options }, deps));
    });
  erase
    .command('answer')
    .description('erase what the other side of a link asks for, or refuse it')
    .argument('<id>', 'of ferry erase status')
    .option('--refuse', 'keep it')
    .option('--because <text>', 'told to the other side')
    .option('--yes', 'do not ask')
    .action(async (id: string, options: object) => {
      const { eraseAnswer } = await import('./commands/erase.ts');
      end(await eraseAnswer(id, { ...global(), ...options }, deps));
    });
  program
    .command('verify')
    .description('prove who said what on a ticket, by the signatures that were kept')
    .argument('<instance>')
    .argument('<ticket>', 'its id or number')
    .option('--offline', 'ask nobody')
    .option('--json', 'print a line of JSON for each action')
    .action(async (instance: string, ticket: string, options: object) => {
      const { verify } = await import('./commands/verify.ts');
      end(await verify(instance, ticket, { ...global(), ...options }, deps));
    });
}

/** Each command is loaded when it runs. */
function addLinks(program: Command, deps: CliDeps, end: End, global: Global): void {
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

function addClients(program: Command, deps: CliDeps, end: End, global: Global): void {
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
