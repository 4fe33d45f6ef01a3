/** The twin's HTTP side: log, ordered faults, request limit and login, then the routes. */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { attachmentRoutes } from './api-attachments.ts';
import { pictureRoutes } from './api-pictures.ts';
import { ticketRoutes } from './api-tickets.ts';
import { webhookRoutes } from './api-webhooks.ts';
import { HaloError, rateLimitText } from './errors.ts';
import type { Fault } from './faults.ts';
import { metadataRoutes } from './metadata.ts';
import { isPage } from './pages/guard.ts';
import { errorPage, pageRoutes } from './pages/routes.ts';
import type { Ctx, Env, Serving } from './serving.ts';
import { wait, wantsPage, wantsText } from './serving.ts';
import { arrival } from './time.ts';
import { twinRoutes } from './twin-routes.ts';
import { welcome } from './welcome.ts';

const open = new Set(['/api/authinfo', '/api/instanceinfo', '/api/health']);
/** Can be read without a login: its token is proof enough. */
const picture = '/api/attachment/image';

/** Builds the app of one desk. Paths are case-insensitive, as Halo's are. */
export function createApp(serving: Serving): Hono<Env> {
  const app = new Hono<Env>({ getPath: (request) => new URL(request.url).pathname.toLowerCase() });
  const { desk, auth, faults, limiter, log } = serving;

  app.onError((error, c) => {
    if (error instanceof HaloError && c.req.path.startsWith('/twin/') && wantsText(c)) {
      const meaning = error.meaning === null ? '' : ` (${error.meaning})`;
      return c.text(`${desk.name} refuses: ${error.message}${meaning}\n`, error.status as 400);
    }
    if (isPage(c.req.path)) return errorPage(c, serving, error);
    if (error instanceof HaloError && error.body === '') return c.body(null, error.status as 403);
    if (error instanceof HaloError) return c.json(error.body as Record<string, unknown>, error.status as 400);
    if (c.env.incoming.destroyed || c.env.outgoing.destroyed) return RESPONSE_ALREADY_SENT;
    const message = error instanceof Error ? error.message : String(error);
    return c.json({ ClassName: 'System.Exception', Message: message }, 500);
  });
  app.notFound((c) => {
    const message = `No HTTP resource was found that matches the request URI '${c.req.path}'`;
    return isPage(c.req.path) ? errorPage(c, serving, new HaloError(404, message)) : c.json({ message }, 404);
  });

  app.use(async (c, next) => {
    const watched = /^\/(?:api|auth|cdn)\//.test(c.req.path);
    if (!watched) {
      c.set('faults', []);
      return next();
    }
    const began = desk.now();
    const url = new URL(c.req.url);
    const struck = faults.take(c.req.method, url.pathname + url.search);
    c.set('faults', struck);
    let reply: Response | undefined;
    try {
      reply = await withFaults(c, next, struck);
      return reply;
    } finally {
      serving.watch?.({
        method: c.req.method,
        path: url.pathname,
        query: url.searchParams,
        body: c.get('body'),
        authorized: c.req.header('authorization') !== undefined,
      });
      log.add({
        method: c.req.method,
        path: c.req.path,
        query: url.search,
        status: c.env.outgoing.destroyed ? 0 : (reply ?? c.res).status,
        fault: struck.map((fault) => fault.kind).join(' '),
        application: c.get('login')?.application.name ?? '',
        at: began,
        ms: desk.now() - began,
      });
    }
  });

  async function withFaults(
    c: Ctx,
    next: () => Promise<void>,
    struck: readonly Fault[],
  ): Promise<Response | undefined> {
    const strikes = (kind: Fault['kind']): Fault | undefined => struck.find((fault) => fault.kind === kind);
    if (strikes('revoke-tokens') !== undefined) desk.store.run('delete from tokens');
    const restart = strikes('restart');
    if (restart !== undefined) {
      serving.restart(restart.ms);
      return RESPONSE_ALREADY_SENT;
    }
    if (strikes('drop-before-commit') !== undefined) return cut(c);
    const limited = strikes('429');
    if (limited !== undefined) return tooMany(c, limiter.current.limit, limited.retryAfter);
    if (strikes('500') !== undefined) {
      return c.json(
        {
          ClassName: 'System.NullReferenceException',
          Message: 'Object reference not set to an instance of an object.',
        },
        500,
      );
    }
    const answered = strikes('status');
    if (answered !== undefined) return c.body(answered.text, answered.status as 403);
    if (strikes('wrong-content-type') !== undefined) {
      return c.html('<!doctype html><title>Maintenance</title><p>We will be back shortly.</p>');
    }
    if (c.req.method !== 'POST') await wait(c);
    if (strikes('late-commit') === undefined) await next();
    else await arrival.run(desk.now(), next);
    return strikes('reply-lost-after-commit') === undefined ? undefined : lose(c);
  }

  app.use('/api/*', async (c, next) => {
    const wait = limiter.take(desk.now());
    const { limit, retryAfter } = limiter.current;
    if (wait !== null) return tooMany(c, limit, retryAfter ? Math.ceil(wait / 1000) : null);
    const isPicture = c.req.path === picture && c.req.method === 'GET';
    if (!open.has(c.req.path) && !isPicture) c.set('login', auth.login(c.req.header('authorization'), desk.now()));
    return next();
  });

  app.post('/auth/token', async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const tenant = new URL(c.req.url).searchParams.get('tenant');
    return c.json(auth.token(form, tenant, c.req.header('authorization') ?? null, desk.now()));
  });
  app.get('/auth/.well-known/openid-configuration', (c) => {
    const issuer = `${desk.baseUrl()}/auth`;
    return c.json({
      issuer,
      token_endpoint: `${issuer}/token`,
      grant_types_supported: ['client_credentials'],
    });
  });
  app.get('/api/authinfo', (c) => c.json({ auth_url: `${desk.baseUrl()}/auth`, tenant_id: serving.tenant }));
  app.get('/api/instanceinfo', (c) => {
    const { tenant: tenant_id, version, product } = serving;
    return c.json({ tenant_id, version, product, name: desk.name });
  });
  app.get('/api/health', (c) => c.json({ status: 'Healthy' }));

  app.get('/', (c) => (wantsPage(c) ? c.redirect('/desk') : c.text(welcome(desk, serving.product))));
  ticketRoutes(app, serving);
  pictureRoutes(app, serving);
  attachmentRoutes(app, serving);
  metadataRoutes(app, serving);
  webhookRoutes(app, serving);
  pageRoutes(app, serving);
  twinRoutes(app, serving);
  return app;
}

function tooMany(c: Ctx, requests: number, retryAfterSeconds: number | null): Response {
  if (retryAfterSeconds !== null) c.header('retry-after', String(retryAfterSeconds));
  return c.text(rateLimitText(requests), 429);
}

/** Closes the connection without an answer. */
function cut(c: Ctx): Response {
  c.env.incoming.socket.destroy();
  return RESPONSE_ALREADY_SENT;
}

/** Keeps the work that is done, and withholds the answer. */
function lose(c: Ctx): Response {
  // Cleared first: Hono would otherwise copy the present answer into a new response, and send that.
  c.res = undefined;
  c.res = cut(c);
  return RESPONSE_ALREADY_SENT;
}
