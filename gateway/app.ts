/** The gateway's HTTP routes: hooks, health and, for other organisations, OAuth, pairing and the supplier and customer API. */
import { Hono, type MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import type { Log } from '#config/log.ts';
import type { InstanceType } from '#core/words/vocabulary.ts';
import type { Connection } from '#db/base/client.ts';
import { hookTargets } from '#db/log/hint.ts';
import { federationRoutes, type FederationDeps } from './federation.ts';
import { healthRoutes } from './health.ts';
import { createAdder } from './hooks/adder.ts';
import { hookRoutes } from './hooks/route.ts';
import { createTargets } from './hooks/targets.ts';
import { problem, ProblemError } from './problems.ts';
import { createSignInRefused } from './sign-in-refused.ts';
import { requestLog, type Watched } from './request-log.ts';

export type GatewayDeps = {
  readonly connection: Connection;
  readonly log: Log;
  readonly version: string;
  /** Returns the ids of the tickets that a webhook's body names, by the type of the helpdesk. */
  readonly hintOf: (type: InstanceType) => (body: unknown) => readonly string[];
  readonly temporalUp: () => Promise<boolean>;
  /** Absent without a public URL; then this gateway has no peers and no API clients. */
  readonly federation?: FederationDeps;
  readonly watched?: Watched;
};

export type GatewayApp = {
  readonly app: Hono;
  /** Makes `/readyz` fail, so that load balancers send nothing new. */
  stopping(): void;
  /** Resolves when every accepted hint is committed. */
  idle(): Promise<void>;
};

export function createApp(deps: GatewayDeps): GatewayApp {
  const { db, sql } = deps.connection;
  const refused = createSignInRefused(deps.log, deps.watched?.metrics);
  const adder = createAdder(db);
  const targets = createTargets(() => hookTargets(db));
  let isStopping = false;

  const app = new Hono();
  app.use(requestLog(deps.log, deps.watched));
  app.use(secured());
  app.route(
    '/',
    healthRoutes({
      sql,
      sealer: deps.connection.sealer,
      version: deps.version,
      temporalUp: deps.temporalUp,
      isStopping: () => isStopping,
    }),
  );
  app.route('/hooks', hookRoutes({ targets, adder, hintOf: deps.hintOf, refused }));
  app.route('/', federationRoutes(deps.connection.db, deps.version, deps.log, refused, deps.federation));
  app.notFound(() => problem('not-found'));
  app.onError((error) => answerError(error, deps.log));

  return {
    app,
    stopping: () => {
      isStopping = true;
    },
    idle: () => adder.idle(),
  };
}

/** Sets the default policy, unless the page or file has set its own. */
function secured(): MiddlewareHandler {
  const secure = secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
    // For a year, a browser that has used https here uses nothing else.
    strictTransportSecurity: 'max-age=31536000; includeSubDomains',
    xFrameOptions: 'DENY',
  });
  return async (c, next) => {
    let own: string | null = null;
    const answer = await secure(c, async () => {
      await next();
      own = c.res.headers.get('content-security-policy');
    });
    if (own !== null) c.res.headers.set('content-security-policy', own);
    return answer;
  };
}

/** Answers an unexpected error in general terms. Only the log has the error, and errors contain no bodies. */
function answerError(error: unknown, log: Log): Response {
  if (error instanceof ProblemError) return problem(error.code, error.message, error.more.headers, error.more);
  const code = codeOf(error);
  if (isLostDatabase(code)) {
    log.error({ code }, "the database can't be reached");
    return problem('database-unavailable', 'Nothing was stored. Send it again later.');
  }
  log.error({ code, name: error instanceof Error ? error.name : typeof error }, 'a request failed unexpectedly');
  return problem('internal');
}

/** Finds the driver's error, because the query builder's error repeats the query's parameters. */
function codeOf(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if ('code' in at && typeof at.code === 'string') return at.code;
  return undefined;
}

/** Codes for connection failures, shutdown (57P), too many connections (53300), full disk (53100) and read-only (25006). */
function isLostDatabase(code: string | undefined): boolean {
  if (code === undefined) return false;
  return (
    /^(?:ECONN|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE|EAI_AGAIN|CONNECT|CONNECTION_)/.test(code) ||
    /^(?:57P|08|53|25006)/.test(code)
  );
}
