/** Applies the limits before and after the check of the token, as one middleware for the API's routes. */
import type { Context, MiddlewareHandler, Next } from 'hono';
import { wireLimits } from '#core/wire.ts';
import type { CallerEnv } from '#gateway/oauth/authenticate.ts';
import type { Strangers } from './strangers.ts';
import type { Clients } from './clients.ts';

type Deps = { readonly clients: Clients; readonly strangers: Strangers };

/** Requests that have already passed, because two routes may both use this middleware. */
const admitted = new WeakSet<Request>();

export function admit(authenticate: MiddlewareHandler<CallerEnv>, deps: Deps): MiddlewareHandler<CallerEnv> {
  return async (c, next) => {
    if (admitted.has(c.req.raw)) return authenticate(c, next);
    const authorization = c.req.header('authorization');
    await deps.clients.assertWelcome(authorization);
    let isKnown = false;
    const answer = await authenticate(c, async () => {
      isKnown = true;
      await within(c, next, deps.clients, authorization);
    });
    if (!isKnown) await deps.strangers.slowDown(c);
    return answer;
  };
}

async function within(
  c: Context<CallerEnv>,
  next: Next,
  clients: Clients,
  authorization: string | undefined,
): Promise<void> {
  const { client } = c.get('caller');
  const place = await clients.admit(client, { authorization, bytes: bytesOf(c) });
  admitted.add(c.req.raw);
  try {
    await next();
    for (const [name, value] of Object.entries(place.headers())) c.res.headers.set(name, value);
  } finally {
    place.leave();
  }
}

/** The size of a body that will be read into memory. A body of unknown length counts as the longest. */
function bytesOf(c: Context): number {
  if (c.req.method !== 'POST' && c.req.method !== 'PUT') return 0;
  if (c.req.path.includes('/v1/attachments/')) return 0;
  const length = c.req.header('content-length');
  if (length === undefined) return c.req.header('transfer-encoding') === undefined ? 0 : wireLimits.bodyBytes;
  const bytes = Number(length);
  return Number.isFinite(bytes) ? Math.min(bytes, wireLimits.bodyBytes) : 0;
}
