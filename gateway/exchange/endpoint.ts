/**
 * One description per endpoint, which makes the OpenAPI document and validates requests. read-body.ts reads bodies, because the
 * framework's own reader repairs what it should refuse.
 */
import { OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { SideName } from '#core/words/vocabulary.ts';
import { wireLimits, type LinkState } from '#core/wire.ts';
import type { Caller, CallerEnv } from '#gateway/oauth/authenticate.ts';
import { problem, ProblemError, problems, type ProblemCode } from '#gateway/problems.ts';
import { problemSchema } from './schemas.ts';
import { readBody } from './read-body.ts';

export type Method = 'get' | 'put' | 'post' | 'delete';

/** The schema of a path's parameters, a query or a body; `undefined` if there is none. */
type Schema = z.ZodType | undefined;
type Output<S extends Schema> = S extends z.ZodType ? z.output<S> : undefined;

export type Endpoint<P extends Schema, Q extends Schema, B extends Schema> = {
  readonly method: Method;
  /** The path in OpenAPI's form: `/v1/things/{thing}`. */
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  /** The side that is called; absent if either side may call. */
  readonly asks?: SideName;
  /** Whether it carries something, and is refused while the link rests. */
  readonly carries?: true;
  readonly params?: P & z.ZodObject;
  readonly query?: Q & z.ZodObject;
  readonly body?: B;
  readonly answers: Readonly<Record<number, { readonly description: string; readonly schema?: z.ZodType }>>;
  /** Answers besides those of every endpoint. */
  readonly problems: readonly ProblemCode[];
};

export type EndpointInput<P extends Schema, Q extends Schema, B extends Schema> = {
  readonly caller: Caller;
  readonly params: Output<P>;
  readonly query: Output<Q>;
  readonly body: Output<B>;
};

export type Api = {
  readonly app: OpenAPIHono<CallerEnv>;
  /** Methods by path, for `Allow`. */
  readonly methods: Map<string, Set<string>>;
};

export function createApi(): Api {
  return { app: new OpenAPIHono<CallerEnv>(), methods: new Map() };
}

const always: readonly ProblemCode[] = [
  'invalid-token',
  'too-many-requests',
  'shutting-down',
  'database-unavailable',
  'internal',
];
const ofBodies: readonly ProblemCode[] = [
  'malformed-json',
  'invalid-utf8',
  'json-too-deep',
  'body-too-large',
  'encoded-body',
  'not-json',
  'invalid-body',
  'too-many-items',
];

export function endpoint<P extends Schema = undefined, Q extends Schema = undefined, B extends Schema = undefined>(
  api: Api,
  route: Endpoint<P, Q, B>,
  handle: (c: Context<CallerEnv>, asked: EndpointInput<P, Q, B>) => Promise<Response>,
): void {
  describe(api, route);
  api.app.on(route.method.toUpperCase(), honoPath(route.path), async (c) => {
    const caller = c.get('caller');
    if (route.asks !== undefined && caller.role === route.asks)
      throw new ProblemError('wrong-role', `Only the other side calls the ${route.asks}'s endpoints.`);
    if (route.carries === true) assertCarries(caller.linkState);
    const params = route.params?.safeParse(c.req.param());
    if (params?.success === false) throw new ProblemError('not-found');
    const query = isOnce(c) ? route.query?.safeParse(c.req.query()) : { success: false as const, error: twice };
    if (query?.success === false) throw invalid('invalid-query', query.error);
    const body = route.body?.safeParse(await readBody(c, wireLimits.bodyBytes));
    if (body?.success === false) throw invalid('invalid-body', body.error);
    return handle(c, {
      caller,
      params: params?.data as Output<P>,
      query: query?.data as Output<Q>,
      body: body?.data as Output<B>,
    });
  });
}

/**
 * Refuses requests that carry something while the link rests. Requests for its state are answered, so that both ends can be
 * compared. Actions and receipts are answered one by one, by the rule of their lane.
 * @throws ProblemError
 */
export function assertCarries(state: LinkState): void {
  if (state === 'suspended' || state === 'quarantined')
    throw new ProblemError(`link-${state}`, 'Everything waits. Try again later.', {
      headers: { 'retry-after': '60', connection: 'close' },
    });
}

const twice = new z.ZodError([{ code: 'custom', path: [], message: 'names a parameter twice', input: undefined }]);

function isOnce(c: Context): boolean {
  return Object.values(c.req.queries()).every((values) => values.length === 1);
}

/** Adds an endpoint to the document, also if another folder serves it. */
export function describe(api: Api, route: Endpoint<Schema, Schema, Schema>, open = false): void {
  const codes = [
    ...new Set([
      ...route.problems,
      ...(route.asks === undefined ? [] : (['wrong-role'] as const)),
      ...(route.carries === undefined ? [] : (['link-suspended', 'link-quarantined'] as const)),
      ...(route.params === undefined ? [] : (['not-found'] as const)),
      ...(route.query === undefined ? [] : (['invalid-query'] as const)),
      ...(route.body === undefined ? [] : ofBodies),
      ...always.filter((code) => !open || code !== 'invalid-token'),
    ]),
  ];
  const byStatus = Map.groupBy(codes, (code) => problems[code].status);
  api.app.openAPIRegistry.registerPath({
    method: route.method,
    path: route.path,
    operationId: route.id,
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    tags: [...route.tags],
    security: open ? [] : [{ token: [] }],
    request: {
      ...(route.params === undefined ? {} : { params: route.params }),
      ...(route.query === undefined ? {} : { query: route.query }),
      ...(route.body === undefined
        ? {}
        : { body: { required: true, content: { 'application/json': { schema: route.body } } } }),
    },
    responses: Object.fromEntries([
      ...Object.entries(route.answers).map(([status, { description, schema }]) => [
        status,
        { description, ...(schema === undefined ? {} : { content: { 'application/json': { schema } } }) },
      ]),
      ...[...byStatus].map(([status, of]) => [
        String(status),
        {
          description: of.map((code) => `\`${code}\`: ${problems[code].title}.`).join(' '),
          content: { 'application/problem+json': { schema: problemSchema } },
        },
      ]),
    ]),
  });
  const known = api.methods.get(route.path) ?? new Set();
  known.add(route.method.toUpperCase());
  if (route.method === 'get') known.add('HEAD');
  api.methods.set(route.path, known);
}

/** Answers every other method of an existing path with the allowed ones. Call it last. */
export function refuseOtherMethods(api: Api): void {
  for (const [path, methods] of api.methods) {
    const allow = [...methods].toSorted().join(', ');
    api.app.all(honoPath(path), () => problem('method-not-allowed', `Use ${allow}.`, { allow }));
  }
}

function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

const mostErrors = 20;

function invalid(code: ProblemCode, { issues }: z.ZodError): ProblemError {
  const errors = issues.slice(0, mostErrors).map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1').slice(0, 100)}`).join(''),
    detail: message,
  }));
  const tooMany = issues.some((issue) => issue.code === 'too_big' && issue.origin === 'array');
  return new ProblemError(tooMany ? 'too-many-items' : code, 'See errors for each fault and its place.', { errors });
}
