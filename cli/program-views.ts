/**
 * What can be typed to set up, look and decide. Each command loads what it needs when it runs: the help and the version are
 * there at once.
 */
import { InvalidArgumentError, type Command } from 'commander';
import type { ApplyCommand } from './commands/apply.ts';
import type { AuditCommand } from './commands/audit.ts';
import type { CheckCommand } from './commands/check.ts';
import type { PauseCommand } from './commands/pause.ts';
import type { ReplayCommand } from './commands/replay.ts';
import type { StatusCommand } from './commands/status.ts';
import type { TraceCommand } from './commands/trace.ts';
import type { CliDeps } from './deps.ts';
import type { End, Global } from './program-parts.ts';

export function addViews(program: Command, deps: CliDeps, end: End, global: Global): void {
  const command = (name: string, description: string): Command => program.command(name).description(description);
  command('apply', 'create or change instances, links and settings as a file says')
    .argument('<file>', 'links.yaml; docs/settings.md has its keys')
    .option('--dry-run', 'only print the difference')
    .option('--yes', 'do not ask')
    .option('--unchecked', "go on where a helpdesk can't be asked what it offers")
    .option('--moved <instance>', 'it is the same helpdesk at another address; may be given several times', also, [])
    .option('--new <instance>', 'it is another helpdesk, and what was mirrored with the earlier one ends', also, [])
    .option('--json', 'print one line of JSON')
    .action(async (file: string, options: ApplyCommand) => {
      const { apply } = await import('./commands/apply.ts');
      end(await apply(file, { ...global(), ...options }, deps));
    });
  command('check', 'ask a helpdesk whether it is as Ferry takes it to be')
    .argument('<instance>', 'its id in Ferry, see ferry status')
    .option('--json', 'print a line of JSON for each finding')
    .option('--write <ticket>', 'also write on this ticket, which nobody needs, and delete it again')
    .option('--yes', 'do not ask')
    .option('--report', 'print how it answers as JSON, without names')
    .option('--clean', 'only delete what a trial left that was killed')
    .action(async (instance: string, options: CheckCommand) => {
      const { check } = await import('./commands/check.ts');
      end(await check(instance, { ...global(), ...options }, deps));
    });
  command('lint', 'what is wrong, or worth a look, with the settings of links')
    .argument('[link]', 'only this one; without it all of them')
    .option('--json', 'print one line of JSON')
    .action(async (link: string | undefined, options: { readonly json?: boolean }) => {
      const { lint } = await import('./commands/lint.ts');
      end(await lint(link, { ...global(), ...options }, deps));
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
}

export function addAudit(program: Command, deps: CliDeps, end: End, global: Global): void {
  program
    .command('audit')
    .description('who did what, newest first')
    .option('--link <id>', 'only what concerns this link')
    .option('--who <name>', 'only what this person did')
    .option('--what <verb>', 'only this, for instance apply or release')
    .option('--on <subject>', 'only on this, for instance links/acme-north or instances')
    .option('--since <time>', 'a day, an instant, or how long ago: 90m, 12h, 7d')
    .option('--until <time>', 'the same')
    .option('--limit <number>', 'entries to show (100)', toNumber)
    .option('--before <id>', 'only older ones than this entry')
    .option('--json', 'print a line of JSON for each entry')
    .action(async (options: AuditCommand) => {
      const { audit } = await import('./commands/audit.ts');
      end(await audit({ ...global(), ...options }, deps));
    });
}

export function addDeliveries(program: Command, deps: CliDeps, end: End, global: Global): void {
  const command = (name: string, description: string): Command => program.command(name).description(description);
  const deliveries = () => import('./commands/deliveries.ts');
  command('retry', 'try again at once what waits for an instance, or one delivery that was refused')
    .argument('<instance or delivery>')
    .action(async (what: string) => end(await (await deliveries()).retry(what, global(), deps)));
  command('replay', 'carry what was refused on a link once more, by the settings of today; mails no end user')
    .argument('<link>')
    .argument('[deliveries...]', 'only these; without them every refused one')
    .option('--since <time>', 'only what was refused since: a day, an instant, or how long ago: 90m, 12h, 7d')
    .option('--until <time>', 'the same')
    .option('--dry-run', 'only print what would become of each')
    .option('--mail', 'mail end users where the settings say so')
    .option('--notes', 'with the texts of notes')
    .option('--yes', 'do not ask')
    .option('--json', 'print one line of JSON')
    .action(async (link: string, ids: readonly string[], options: ReplayCommand) => {
      const { replay } = await import('./commands/replay.ts');
      end(await replay(link, ids, { ...global(), ...options }, deps));
    });
  command('release', 'let a held delivery go')
    .argument('<delivery>')
    .action(async (id: string) => end(await (await deliveries()).release(id, global(), deps)));
  command('skip', 'drop a delivery that has not ended')
    .argument('<delivery>')
    .action(async (id: string) => end(await (await deliveries()).skip(id, global(), deps)));
  command('pause', 'carry nothing on a link until a time, for maintenance; then it goes on by itself')
    .argument('<link>')
    .option('--until <time>', 'an instant with its zone (2026-12-01T06:00Z), or from now: 90m, 12h, 7d')
    .option('--why <text>', 'for people, here and at the other side')
    .action(async (id: string, options: PauseCommand) => {
      const { pause } = await import('./commands/pause.ts');
      end(await pause(id, { ...global(), ...options }, deps));
    });
  command('resume', 'let a paused mirror go on, or an instance whose helpdesk was restored from a backup')
    .argument('<mirror or instance>')
    .option('--dry-run', 'of an instance: only print what differs')
    .option('--yes', 'do not ask')
    .action(async (what: string, options: { readonly dryRun?: boolean; readonly yes?: boolean }) =>
      end(await (await deliveries()).resume(what, { ...global(), ...options }, deps)),
    );
}

function toNumber(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A number.');
}

/** An option that may be given several times. */
function also(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
