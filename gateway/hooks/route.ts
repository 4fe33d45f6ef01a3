/**
 * `POST /hooks/{instance}/{secret}`: a helpdesk reports that something happened. Ferry uses only the ids of the tickets to read,
 * so a caller who knows the secret can at most cause a reading.
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
  /** Returns the ids of the tickets that a body names, by the type of the helpdesk. */
  readonly hintOf: (type: InstanceType) => (body: unknown) => readonly string[];
  readonly refused?: SignInRefused;
};

/** If a body names more tickets than this, Ferry reads the feed instead. */
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
  routes.all('/:instance/:secret', () => problem('method-not-allowed', 'Use POST for hooks.', { allow: 'POST' }));
  return routes;
}

const unreadable = Symbol('unreadable');

/**
 * Accepts any body, because the correct secret shows that something happened at the helpdesk. A refusal would not help the
 * sender, and some helpdesks disable a webhook that fails.
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

/** For a body without a usable ticket, reads the feed. */
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
