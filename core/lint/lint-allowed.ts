/** Action kinds and statuses that the ticket types of this link, or steps of their workflows, do not allow. */
import { sameName } from '#core/words/names.ts';
import { kindDefault } from '#core/rules/settings.ts';
import { finding, quotedNames, type Finding, type Place } from './finding.ts';
import type { LintSide } from './lint-side.ts';
import type { Allowed } from './ticket-types.ts';

export function lintAllowed(side: LintSide, allowed: Allowed): readonly Finding[] {
  if (allowed.types.length === 0) return [];
  const { actions, actionDefault, statuses, statusDefault } = side.settings.inbound;
  const place = [side.name, 'inbound'];
  const kind = (name: string, at: Place): readonly Finding[] =>
    side.kinds?.find(name) === undefined
      ? []
      : judged(side, allowed, 'action', name, allowed.kindForbiddenBy(name), allowed.kindForbiddenAt(name), at);
  const status = (name: string, at: Place): readonly Finding[] =>
    side.statuses?.find(name) === undefined
      ? []
      : judged(side, allowed, 'status', name, allowed.statusForbiddenBy(name), [], at);
  return [
    ...actions.flatMap((row, index) => [
      ...kind(row.to, [...place, 'actions', index, 'to']),
      ...(row.status === undefined ? [] : status(row.status, [...place, 'actions', index, 'status'])),
    ]),
    ...(actionDefault === undefined ? [] : kind(actionDefault, [...place, 'actionDefault'])),
    ...statuses.flatMap(({ to }, index) => status(to, [...place, 'statuses', index, 'to'])),
    ...(side.name === 'customer' || sameName(statusDefault, kindDefault)
      ? []
      : status(statusDefault, [...place, 'statusDefault'])),
  ];
}

function judged(
  side: LintSide,
  { types }: Allowed,
  what: 'action' | 'status',
  name: string,
  forbidding: readonly string[],
  steps: readonly string[],
  place: Place,
): readonly Finding[] {
  if (forbidding.length === types.length) {
    const why = `The ${what} "${name}" is allowed by none of the ticket types that tickets of this link have at ${side.desk} (${quotedNames(types)}), so ${side.desk} would refuse it.`;
    return [finding('not-allowed', place, why, `Map onto one that is allowed, or allow "${name}" there.`)];
  }
  if (forbidding.length === 0 && steps.length === 0) return [];
  const where = [
    ...(forbidding.length === 0 ? [] : [`tickets of type ${quotedNames(forbidding)}`]),
    ...(steps.length === 0 ? [] : [`tickets in the step ${quotedNames(steps)}`]),
  ].join(' and ');
  const why = `The ${what} "${name}" is not allowed on ${where} at ${side.desk}, so ${side.desk} would refuse it there.`;
  const fix = `Map onto one that is always allowed, or allow "${name}" there.`;
  return [finding('sometimes-not-allowed', place, why, fix, [...forbidding, ...steps])];
}
