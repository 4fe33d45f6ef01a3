/** The commands for keys and proofs. Each command is loaded when it runs. */
import type { Command } from 'commander';
import type { CliDeps } from './deps.ts';
import type { End, Global } from './program-parts.ts';

export function addKeys(program: Command, deps: CliDeps, end: End, global: Global): void {
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
}

export function addVerify(program: Command, deps: CliDeps, end: End, global: Global): void {
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
