/**
 * One line per request; for successful probes only at `debug`, because they are frequent. Never logs the path itself: a hook's path contains its secret, and callers may put one
 * anywhere. What matched says enough.
 */
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Log } from '#config/log.ts';
import type { Telemetry } from '#telemetry/start.ts';

const probes: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/version']);

export type Watched = Pick<Telemetry, 'metrics' | 'tracing'>;

export function requestLog(log: Log, watched?: Watched): MiddlewareHandler {
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
    const isProbe = probes.has(line.route);
    if (status >= 500) log.warn(line, 'request');
    else if (isProbe) log.debug(line, 'request');
    else log.info(line, 'request');
    if (isProbe || watched === undefined) return;
    const { method, route, ms } = line;
    watched.metrics.request(route, status, ms / 1_000);
    watched.tracing.request({ method, route, status, ms, parent: c.req.header('traceparent') });
  };
}

/** The instance, only for accepted requests; in others it is unverified text from the path. */
function instanceOf(instance: string | undefined): { instance?: string } {
  return instance === undefined ? {} : { instance };
}
