/** The commands that forget something. Each command is loaded when it runs. */
import type { Command } from 'commander';
import type { CliDeps } from './deps.ts';
import type { End, Global } from './program-parts.ts';

export function addErase(program: Command, deps: CliDeps, end: End, global: Global): void {
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
}
