/** The account of the link, files that the far desk does not take, and the product's own exchange of tickets. */
import { sameName } from '#core/words/names.ts';
import { checkName } from './check-names.ts';
import { finding, type Finding } from './finding.ts';
import type { LintSide } from './lint-side.ts';

export function lintAccount(side: LintSide): readonly Finding[] {
  const { name, team } = side.settings.account;
  const isSyncing = side.catalogue?.syncing?.some((one) => sameName(one, name)) ?? false;
  const why = `${side.desk} is set up to exchange tickets of "${name}" with another instance by itself, so what Ferry carries would be there twice.`;
  const fix = `Take the connection out of "${name}" at ${side.desk}.`;
  return [
    ...checkName([side.name, 'account', 'name'], 'account', name, side.accounts, side),
    ...(team === undefined ? [] : checkName([side.name, 'account', 'team'], 'team', team, side.teams, side)),
    ...(isSyncing ? [finding('own-sync-on', [side.name, 'account', 'name'], why, fix)] : []),
  ];
}

export function lintFiles(side: LintSide, far: LintSide): readonly Finding[] {
  const { files } = far.catalogue ?? {};
  if (!side.settings.outbound.attachments || files === undefined) return [];
  const place = [side.name, 'outbound', 'attachments'];
  if (!files.taken) {
    const why = `${far.desk} takes no files, so every file that leaves ${side.desk} would be replaced by a line that says so.`;
    return [finding('files-refused', place, why, `Set attachments to false, or let ${far.desk} take files.`)];
  }
  const ours = side.catalogue?.files?.maxBytes ?? Number.POSITIVE_INFINITY;
  if (files.maxBytes === undefined || files.maxBytes >= ours) return [];
  const why = `${far.desk} takes files of up to ${files.maxBytes} bytes, ${side.desk} has larger ones: each of those would be replaced by a line that says so.`;
  return [finding('files-refused', place, why, `Let ${far.desk} take larger files, or tell people of the limit.`)];
}
