/**
 * One line per request. The path itself is never logged: a hook's path holds its secret, and somebody may put one
 * anywhere. What matched says enough.
 */
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Log } from '#config/log.ts';

export function requestLog(log: Log): MiddlewareHandler {
  return async (c, next) => {
    const from = performance.now();
    await next();
    const { status } = c.res;
    const line = {
      method: c.req.method,
      route: status === 404 ? '-' : routePath(c, -1),
      ...(status < 400 ? instanceOf(c.req.param('instance')) : {}),
      status,
      ms: Math.round((performance.now() - from) * 10) / 10,
    };
    if (status >= 500) log.warn(line, 'request');
    else log.info(line, 'request');
  };
}

/** Named only in requests that were accepted: until then it is just a piece of the path. */
function instanceOf(instance: string | undefined): { instance?: string } {
  return instance === undefined ? {} : { instance };
}
