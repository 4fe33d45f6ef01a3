/**
 * `POST /hooks/{instance}/{secret}`: a helpdesk says that something happened. Nothing of it is believed but which
 * tickets to read; whoever knows the secret can at most cause a look.
 */
import { Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { ticketRef } from '#core/words/ref.ts';
import type { InstanceType } from '#core/words/vocabulary.ts';
import type { Hint, HookTarget } from '#db/log/hint.ts';
import { readJson } from '#gateway/json-body.ts';
import { problem } from '#gateway/problems.ts';
import type { Adder } from './adder.ts';
import type { Targets } from './targets.ts';

export type HookDeps = {
  readonly targets: Targets;
  readonly adder: Adder;
  /** Ids of the tickets a body names, by the type of the helpdesk that sent it. */
  readonly hintOf: (type: InstanceType) => (body: unknown) => readonly string[];
};

/** A body that names more tickets than this is answered with a look at the feed. */
const maxTickets = 200;
const maxIdLength = 200;
const maxBodyBytes = 1024 * 1024;

const counted = bodyLimit({
  maxSize: maxBodyBytes,
  onError: () => problem('body-too-large', 'Send less, or only the ids.', { connection: 'close' }),
});

/** A length that is declared is kept by the server, so such a body needs no counting, which costs more than all the rest. */
const limited: MiddlewareHandler = (c, next) => {
  const length = c.req.header('content-length');
  const isDeclared = length !== undefined && c.req.header('transfer-encoding') === undefined;
  return isDeclared && /^\d+$/.test(length) && Number(length) <= maxBodyBytes ? next() : counted(c, next);
};

type HookEnv = { Variables: { target: HookTarget } };

export function hookRoutes(deps: HookDeps): Hono<HookEnv> {
  const routes = new Hono<HookEnv>();
  routes.post(
    '/:instance/:secret',
    async (c, next) => {
      const target = await deps.targets.match(c.req.param('instance'), c.req.param('secret'));
      if (target === null) return problem('not-found');
      c.set('target', target);
      return next();
    },
    limited,
    async (c) => {
      const target = c.get('target');
      const body = await readJson(c);
      const tickets = ticketsOf(deps.hintOf(target.type), body);
      const hints: Hint[] = tickets.map((ticket) => ticketRef(target.id, ticket));
      await deps.adder.add(hints);
      return c.json({ hints: hints.length }, 202);
    },
  );
  routes.all('/:instance/:secret', () => problem('method-not-allowed', 'Hooks are sent by POST.', { allow: 'POST' }));
  return routes;
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
