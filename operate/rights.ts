/** The one table of rights: which roles may do what. A verb begins with `allow`. */
import type { Actor, Operator, Role } from './operator.ts';
import { Refused } from './refused.ts';

const everybody: readonly Role[] = ['viewer', 'operator', 'admin'];
const operators: readonly Role[] = ['operator', 'admin'];
const admins: readonly Role[] = ['admin'];

/** Everybody may look; operators do the daily work; admins change settings, credentials and the life of links. */
export const rights = {
  status: everybody,
  'link-status': everybody,
  trace: everybody,
  verify: everybody,
  /** To see names of people and what they wrote, in a trace. */
  'read-notes': operators,
  /** To ask a helpdesk with our credentials, and see names of accounts and fields. */
  check: operators,
  /** To see who did what; the difference may contain settings and names. */
  audit: operators,
  /** Says names of settings and of what desks offer. */
  lint: operators,
  /** Shows what an action would do, with the words and values that it would write. */
  preview: operators,
  /** Versions of settings hold names, as the audit does. */
  'settings-log': operators,
  retry: operators,
  replay: operators,
  release: operators,
  skip: operators,
  resume: operators,
  'instance-resume': operators,
  'link-suspend': operators,
  'link-resume': operators,
  'link-check': operators,
  'link-contact': operators,
  'link-rotate': admins,
  'link-close': admins,
  'link-export': admins,
  'link-purge': admins,
  invite: admins,
  accept: admins,
  apply: admins,
  'settings-rollback': admins,
  'client-add': admins,
  'client-rotate': admins,
  'client-revoke': admins,
  'key-rotate': admins,
  'key-retire': admins,
  'key-reinstate': admins,
  'key-reseal': admins,
  erase: admins,
} as const satisfies Readonly<Record<string, readonly Role[]>>;

export type Right = keyof typeof rights;

/** Verbs that concern several links, or none yet. */
export const everywhere = 'everywhere';

/**
 * Checks a right, in the first line of every verb. Without `where`, the verb finds the link itself and calls `inReach` before it
 * continues.
 * @throws Refused not-allowed, out-of-reach
 */
export function allow(
  operator: Pick<Operator, 'actor'>,
  right: Right,
  where?: typeof everywhere | { readonly link: string },
): void {
  const { actor } = operator;
  const wanted: readonly Role[] = rights[right];
  if (!actor.roles.some((role) => wanted.includes(role)))
    throw new Refused(
      'not-allowed',
      'forbidden',
      `${actor.name} may not do this (${right}); it requires the role ${wanted.join(' or ')}, which an administrator grants`,
    );
  if (where === everywhere) {
    if (actor.reach !== 'all')
      throw new Refused(
        'out-of-reach',
        'forbidden',
        `this (${right}) affects more links than ${actor.name} is in charge of; ask somebody who is in charge of all links`,
      );
  } else if (where !== undefined) inReach(operator, where.link);
}

/** Checks that a link is in reach. @throws Refused out-of-reach, also for a link that does not exist */
export function inReach({ actor }: Pick<Operator, 'actor'>, link: string): void {
  if (reaches(actor, link)) return;
  throw new Refused(
    'out-of-reach',
    'forbidden',
    `${actor.name} is not in charge of the link ${link}; ask somebody who is`,
  );
}

export function reaches({ reach }: Actor, link: string): boolean {
  return reach === 'all' || reach.includes(link);
}
