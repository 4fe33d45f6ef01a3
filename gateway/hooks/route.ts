/**
 * `POST /hooks/{instance}/{secret}`: a helpdesk says that something happened. Nothing of it is believed but which
 * tickets to read; whoever knows the secret can at most cause a look.
 */
import { Hono, type Context } from 'hono';
import { ticketRef } from '#core/words/ref.ts';
import type { InstanceType } from '#core/words/vocabulary.ts';
import type { Hint, HookTarget } from '#db/log/hint.ts';
import { parseStrict } from '#gateway/json-body.ts';
import { problem, ProblemError } from '#gateway/problems.ts';
import type { SignInRefused } from '#gateway/sign-in-refused.ts';
import type { Adder } from './adder.ts';
import { readBody } from './read-body.ts';
import type { Targets } from './targets.ts';

export type HookDeps = {
  readonly targets: Targets;
  readonly adder: Adder;
  /** Ids of the tickets a body names, by the type of the helpdesk that sent it. */
  readonly hintOf: (type: InstanceType) => (body: unknown) => readonly string[];
  readonly refused?: SignInRefused;
};

/** A body that names more tickets than this is answered with a look at the feed. */
const maxTickets = 200;
const maxIdLength = 200;
const maxBodyBytes = 1024 * 1024;

type HookEnv = { Variables: { target: HookTarget } };

export function hookRoutes(deps: HookDeps): Hono<HookEnv> {
  const routes = new Hono<HookEnv>();
  routes.post(
    '/:instance/:secret',
    async (c, next) => {
      const target = await deps.targets.match(c.req.param('instance'), c.req.param('secret'));
      if (target === null) {
        deps.refused?.({ why: 'wrong-hook', who: null });
        return problem('not-found');
      }
      c.set('target', target);
      return next();
    },
    async (c) => {
      const target = c.get('target');
      const body = await readJson(c);
      const tickets = body === unreadable ? [''] : ticketsOf(deps.hintOf(target.type), body);
      const hints: Hint[] = tickets.map((ticket) => ticketRef(target.id, ticket));
      await deps.adder.add(hints);
      return c.json({ hints: hints.length }, 202);
    },
  );
  routes.all('/:instance/:secret', () => problem('method-not-allowed', 'Hooks are sent by POST.', { allow: 'POST' }));
  return routes;
}

const unreadable = Symbol('unreadable');

/**
 * The secret was right, so this is the helpdesk, and something has happened there, whatever it could say about it. A
 * refusal would change nothing at the sender, and some switch off a webhook that fails.
 */
async function readJson(c: Context): Promise<unknown> {
  const bytes = await readBody(c.req.raw, maxBodyBytes);
  const encoding = c.req.header('content-encoding')?.toLowerCase() ?? 'identity';
  if (bytes === null || encoding !== 'identity') return unreadable;
  try {
    return parseStrict(bytes);
  } catch (error) {
    if (error instanceof ProblemError) return unreadable;
    throw error;
  }
}

/** A body without a usable ticket means: look at the feed. */
function ticketsOf(hintOf: (body: unknown) => readonly string[], body: unknown): readonly string[] {
  let named: readonly string[];
  try {
    named = hintOf(body);
  } catch {
    return [''];
  }
  const tickets = [...new Set(named)].filter(isUsableId);
  return tickets.length === 0 || tickets.length > maxTickets ? [''] : tickets;
}

function isUsableId(id: string): boolean {
  return typeof id === 'string' && id !== '' && id.length <= maxIdLength && id.isWellFormed() && !id.includes('\0');
}
