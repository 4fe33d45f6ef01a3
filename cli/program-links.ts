/** The commands for links between gateways, API clients, keys and proofs. */
import { InvalidArgumentError, type Command } from 'commander';
import type { CliDeps, GlobalOptions } from './deps.ts';

const contactHelp = 'person whom the other side may call: "Ann Lee <ann@acme.example> +49 30 1234"';

type End = (exitCode: number) => void;
type Global = () => GlobalOptions;

export function addLinkCommands(program: Command, deps: CliDeps, end: End, global: Global): void {
  addLinks(program, deps, end, global);
  addClients(program, deps, end, global);
  const key = program.command('key').description("an instance's signing keys, and the key for encrypted data");
  key
    .command('reseal')
    .description('encrypt secrets again with the first key of FERRY_SECRET_KEY')
    .option('--contents', 'notes, names, values and files instead, with the first key of FERRY_CONTENT_KEY')
    .option('--json', 'print one line of JSON')
    .action(async (options: { readonly contents?: boolean }) => {
      const { reseal, resealAllContents } = await import('./commands/key/reseal.ts');
      end(await (options.contents === true ? resealAllContents : reseal)({ ...global(), ...options }, deps));
    });
  key
    .command('rotate')
    .description('publish new keys; they start signing 15 minutes later')
    .argument('<instance>')
    .option('--use <use>', 'only the key for this use: token, client or provenance')
    .action(async (instance: string, options: object) => {
      const { rotate } = await import('./commands/key/rotate.ts');
      end(await rotate(instance, { ...global(), ...options }, deps));
    });
  key
    .command('retire')
    .description('shut out a key that may be stolen: one of ours, or one of another organisation')
    .argument('<key>', 'its name, as ferry verify and key sets show it')
    .option('--origin <issuer>', 'the organisation it belongs to, if it is not ours')
    .option('--because <text>', 'why, for the audit')
    .action(async (kid: string, options: object) => {
      const { retire } = await import('./commands/key/retire.ts');
      end(await retire(kid, { ...global(), ...options }, deps));
    });
  key
    .command('reinstate')
    .description('accept a retired key of another organisation again')
    .argument('<key>', 'its name, as ferry verify and key sets show it')
    .option('--origin <issuer>', 'the organisation it belongs to, if several have a key of that name')
    .option('--because <text>', 'why, for the audit')
    .action(async (kid: string, options: object) => {
      const { reinstate } = await import('./commands/key/reinstate.ts');
      end(await reinstate(kid, { ...global(), ...options }, deps));
    });
  const erase = program.command('erase').description('erase what Ferry keeps of a ticket or a person, on both sides');
  erase
    .command('ticket')
    .description('erase what was carried from a ticket, and what its mirrors received')
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
    .description('erase what a person wrote')
    .argument('<name>', 'the full name, or the mail address')
    .option('--mentions', 'also erase what others wrote that mentions the name')
    .option('--dry-run', 'only count')
    .option('--yes', 'do not ask')
    .option('--json', 'print one line of JSON')
    .action(async (person: string, options: object) => {
      const { erasePerson } = await import('./commands/erase.ts');
      end(await erasePerson(person, { ...global(), ...options }, deps));
    });
  erase
    .command('status')
    .description('list requests to erase, in both directions, with their answers')
    .option('--json', 'print a line of JSON for each')
    .action(async (options: object) => {
      const { eraseStatus } = await import('./commands/erase.ts');
      end(await eraseStatus({ ...global(), ...options }, deps));
    });
  erase
    .command('answer')
    .description('erase what the other side of a link asks for, or refuse it')
    .argument('<id>', 'the id that ferry erase status shows')
    .option('--refuse', 'refuse the request')
    .option('--because <text>', 'why, for the other side')
    .option('--yes', 'do not ask')
    .action(async (id: string, options: object) => {
      const { eraseAnswer } = await import('./commands/erase.ts');
      end(await eraseAnswer(id, { ...global(), ...options }, deps));
    });
  program
    .command('verify')
    .description('prove who wrote what on a ticket, by the stored signatures')
    .argument('<instance>')
    .argument('<ticket>', 'its id or number')
    .option('--offline', 'use no network')
    .option('--json', 'print a line of JSON for each action')
    .action(async (instance: string, ticket: string, options: object) => {
      const { verify } = await import('./commands/verify.ts');
      end(await verify(instance, ticket, { ...global(), ...options }, deps));
    });
}

/** Adds the commands. Each is loaded when it runs. */
function addLinks(program: Command, deps: CliDeps, end: End, global: Global): void {
  const link = program.command('link').description('links with other gateways: pair, check, suspend, end');
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

function addClients(program: Command, deps: CliDeps, end: End, global: Global): void {
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
