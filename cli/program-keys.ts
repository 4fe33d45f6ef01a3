/** What can be typed about keys and proofs. Each command is loaded when it runs. */
import type { Command } from 'commander';
import type { CliDeps } from './deps.ts';
import type { End, Global } from './program-parts.ts';

export function addKeys(program: Command, deps: CliDeps, end: End, global: Global): void {
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
}

export function addVerify(program: Command, deps: CliDeps, end: End, global: Global): void {
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
