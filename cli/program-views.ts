/** The commands for setting up, looking and deciding. Each loads its modules when it runs, so that help and version appear at once. */
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
  command('apply', 'create or change instances, links and settings from a file')
    .argument('<file>', 'links.yaml; docs/settings.md explains its keys')
    .option('--dry-run', 'only print the difference')
    .option('--yes', 'do not ask')
    .option('--unchecked', "apply even if a helpdesk can't be asked what it offers")
    .option('--moved <instance>', 'the same helpdesk at a new address; repeatable', also, [])
    .option('--new <instance>', 'a different helpdesk; ends what was mirrored with the earlier one', also, [])
    .option('--json', 'print one line of JSON')
    .action(async (file: string, options: ApplyCommand) => {
      const { apply } = await import('./commands/apply.ts');
      end(await apply(file, { ...global(), ...options }, deps));
    });
  command('check', "test Ferry's assumptions about a helpdesk")
    .argument('<instance>', 'its id in Ferry; ferry status lists them')
    .option('--json', 'print a line of JSON for each finding')
    .option('--write <ticket>', 'also write to this ticket, which nobody needs, then delete what was written')
    .option('--yes', 'do not ask')
    .option('--report', 'print its answers as JSON, without names')
    .option('--clean', 'only delete what a killed trial left')
    .action(async (instance: string, options: CheckCommand) => {
      const { check } = await import('./commands/check.ts');
      end(await check(instance, { ...global(), ...options }, deps));
    });
  command('lint', 'check the settings of links for errors and risks')
    .argument('[link]', 'only this one (default: all)')
    .option('--json', 'print one line of JSON')
    .action(async (link: string | undefined, options: { readonly json?: boolean }) => {
      const { lint } = await import('./commands/lint.ts');
      end(await lint(link, { ...global(), ...options }, deps));
    });
  command('trace', 'show the timeline of a ticket across both sides')
    .argument('<instance>', 'id of its helpdesk in Ferry; ferry status lists them')
    .argument('<ticket>', 'its id or number')
    .option('--follow', 'keep printing what happens')
    .option('--notes', 'include names and the texts of notes')
    .option('--json', 'print JSON; with --follow a line for each change')
    .action(async (instance: string, ticket: string, options: TraceCommand) => {
      const { trace } = await import('./commands/trace.ts');
      end(await trace(instance, ticket, { ...global(), ...options }, deps));
    });
  command('status', 'show instances, links, what is waiting and what is held')
    .option('--json', 'print one line of JSON')
    .action(async (options: StatusCommand) => {
      const { status } = await import('./commands/status.ts');
      end(await status({ ...global(), ...options }, deps));
    });
}

export function addAudit(program: Command, deps: CliDeps, end: End, global: Global): void {
  const command = (name: string, description: string): Command => program.command(name).description(description);
  command('audit', 'show who did what, newest first')
    .option('--link <id>', 'only entries about this link')
    .option('--who <name>', 'only entries by this person')
    .option('--what <verb>', 'only this verb, for instance apply or release')
    .option('--on <subject>', 'only this subject, for instance links/acme-north or instances')
    .option('--since <time>', 'a day, an instant, or an age: 90m, 12h, 7d')
    .option('--until <time>', 'the same')
    .option('--limit <number>', 'entries to show (100)', toNumber)
    .option('--before <id>', 'only entries older than this one')
    .option('--json', 'print a line of JSON for each entry')
    .action(async (options: AuditCommand) => {
      const { audit } = await import('./commands/audit.ts');
      end(await audit({ ...global(), ...options }, deps));
    });
}

export function addDeliveries(program: Command, deps: CliDeps, end: End, global: Global): void {
  const command = (name: string, description: string): Command => program.command(name).description(description);
  const deliveries = () => import('./commands/deliveries.ts');
  command('retry', 'retry at once everything that waits for an instance, or one refused delivery')
    .argument('<instance or delivery>')
    .action(async (what: string) => end(await (await deliveries()).retry(what, global(), deps)));
  command('replay', "carry a link's refused deliveries again, with today's settings; mails no end user")
    .argument('<link>')
    .argument('[deliveries...]', 'only these (default: all refused ones)')
    .option('--since <time>', 'only what was refused since a day, an instant, or an age: 90m, 12h, 7d')
    .option('--until <time>', 'the same')
    .option('--dry-run', 'only print what would happen to each')
    .option('--mail', 'mail end users if the settings say so')
    .option('--notes', 'include the texts of notes')
    .option('--yes', 'do not ask')
    .option('--json', 'print one line of JSON')
    .action(async (link: string, ids: readonly string[], options: ReplayCommand) => {
      const { replay } = await import('./commands/replay.ts');
      end(await replay(link, ids, { ...global(), ...options }, deps));
    });
  command('release', 'deliver a held delivery')
    .argument('<delivery>')
    .action(async (id: string) => end(await (await deliveries()).release(id, global(), deps)));
  command('skip', 'drop a delivery that has not ended')
    .argument('<delivery>')
    .action(async (id: string) => end(await (await deliveries()).skip(id, global(), deps)));
  command('pause', 'carry nothing on a link until a time, for maintenance; then it resumes')
    .argument('<link>')
    .option('--until <time>', 'an instant with its zone (2026-12-01T06:00Z), or from now: 90m, 12h, 7d')
    .option('--why <text>', 'the reason, for people on both sides')
    .action(async (id: string, options: PauseCommand) => {
      const { pause } = await import('./commands/pause.ts');
      end(await pause(id, { ...global(), ...options }, deps));
    });
  command('resume', 'resume a paused mirror, or an instance whose helpdesk was restored from a backup')
    .argument('<mirror or instance>')
    .option('--dry-run', 'for an instance: only print what differs')
    .option('--yes', 'do not ask')
    .action(async (what: string, options: { readonly dryRun?: boolean; readonly yes?: boolean }) =>
      end(await (await deliveries()).resume(what, { ...global(), ...options }, deps)),
    );
}

function toNumber(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A number.');
}

/** Collects the values of a repeatable option. */
function also(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
