/** The desk's configuration: statuses, categories, types, action kinds, fields, people, organisations. */
import type { Hono } from 'hono';
import { answer } from './api-tickets.ts';
import { agentOf, hasScope, needScope } from './auth.ts';
import { errorTexts, notFound, refused } from './errors.ts';
import type { Input } from './input.ts';
import { textOf } from './input.ts';
import type { Query } from './lists.ts';
import { defaultPageSize, queryOf } from './lists.ts';
import type { RecordKind, Records } from './model.ts';
import {
  agentView,
  fieldView,
  outcomeView,
  priorityViews,
  saveUser,
  siteView,
  statusView,
  typeDetails,
  typeRow,
  userView,
} from './metadata-views.ts';
import type { Ctx, Env, Serving } from './serving.ts';
import { elementsOf, idOf } from './serving.ts';

/** Adds the routes. */
export function metadataRoutes(app: Hono<Env>, { desk }: Serving): void {
  const { store, profile } = desk;
  const anyone: readonly string[] = [];
  const customers = ['read:customers'];
  const suppliers = ['read:suppliers'];

  app.get('/api/status', (c) => {
    const query = queryOf(c.req.url);
    const type = query.get('type');
    const excludesClosed = profile.excludesClosed && query.get('excludeclosed') === 'true';
    const some = store
      .list('status')
      .filter((one) => type === undefined || (one.type ?? 'ticket') === type)
      .filter((one) => !excludesClosed || !one.closed)
      .filter((one) => isOffered(query, one.id));
    return c.json(some.map(statusView));
  });
  single('status', 'status', anyone, statusView);
  plain(
    'category',
    'category',
    (one) => ({ ...one }),
    (one, q) => same(q, 'type_id', one.type_id),
  );
  app.get('/api/priority', (c) => {
    const sla = queryOf(c.req.url).get('slaid');
    const rows = store.list('priority').flatMap(priorityViews);
    return c.json(rows.filter(({ slaid }) => sla === undefined || Number(sla) === slaid));
  });
  plain('tickettype', 'tickettype', (one) => typeRow(one));
  app.get('/api/tickettype/:id', (c) => {
    const type = store.find('tickettype', idOf(c));
    if (type === null) throw notFound(`tickettype ${c.req.param('id')}`);
    const isWhole = queryOf(c.req.url).get('includedetails') === 'true';
    return c.json(isWhole ? typeDetails(store, type, profile.groupsFields) : typeRow(type));
  });
  app.get('/api/outcome', (c) => {
    const isAll = queryOf(c.req.url).get('showhidden') === 'true';
    return c.json(
      store
        .list('outcome')
        .filter((one) => isAll || one.notOffered !== true)
        .map((one) => outcomeView(store, one)),
    );
  });
  single('outcome', 'outcome', anyone, (one) => outcomeView(store, one));
  app.get('/api/fieldinfo', (c) => {
    const query = queryOf(c.req.url);
    const hasValues = query.get('includevalues') === 'true';
    const some = store.list('fieldinfo').filter((one) => same(query, 'typeid', one.typeid ?? 1));
    return c.json(some.map((one) => fieldView(one, hasValues)));
  });
  app.get('/api/agent/me', (c) => {
    const agent = agentOf(store, c.get('login'));
    if (agent === null) throw refused(errorTexts.notSupported);
    return c.json(agentView(agent));
  });
  app.get('/api/agent', (c) => {
    const hasApi = queryOf(c.req.url).get('includeapiagents') === 'true';
    // Halo's search finds nobody, and behaves as if there were no search.
    const all = store.list('agent').filter((one) => hasApi || !one.is_api);
    const rows = all.map(agentView);
    return c.json(profile.agents === 'results' ? { results: rows } : rows);
  });
  single('agent', 'agent', anyone, agentView);
  app.get('/api/team', (c) => c.json(hasScope(c.get('login'), 'all:teams') ? store.list('team') : []));
  plain('emailtemplate', 'template', (one) => ({ ...one }));
  paged('client', 'client', 'clients', customers, (one) => ({ ...one }));
  paged('supplier', 'supplier', 'suppliers', suppliers, (one) => ({ ...one }));
  paged(
    'site',
    'site',
    'sites',
    customers,
    (one) => siteView(store, one),
    (one, q) => same(q, 'client_id', one.client_id),
  );
  paged(
    'users',
    'user',
    'users',
    customers,
    (one) => userView(store, one),
    (one, q) => {
      const clientId = store.find('site', one.site_id)?.client_id ?? 0;
      return same(q, 'client_id', clientId) && same(q, 'site_id', one.site_id);
    },
  );

  app.post('/api/users', async (c) => {
    needScope(desk, c.get('login'), 'edit:customers');
    const elements = await elementsOf(c);
    const done = store.atomically(() => elements.map((element) => userView(store, saveUser(store, element))));
    return answer(c, desk, done);
  });

  /** Tells whether a status is offered, as the web client asks: for a ticket type and a step of its workflow. */
  function isOffered(query: Query, statusId: number): boolean {
    const type = store.find('tickettype', Number(query.get('tickettype_id') ?? 0));
    if (type === null) return true;
    const step = type.steps?.find((one) => one.step === Number(query.get('workflow_step') ?? 0));
    const isOfType = type.allowall_status || type.allowed_status.includes(statusId);
    return isOfType && step?.statuses?.includes(statusId) !== false;
  }

  /** Adds a collection that Halo answers as a bare array. */
  function plain<K extends RecordKind>(
    path: string,
    kind: K,
    view: (record: Records[K]) => Input,
    keep: (record: Records[K], query: Query) => boolean = () => true,
  ): void {
    app.get(`/api/${path}`, (c) => c.json(found(kind, queryOf(c.req.url), view, keep)));
    if (path !== 'tickettype') single(path, kind, anyone, view);
  }

  /** Adds a collection that Halo answers with its count, in pages. */
  function paged<K extends RecordKind>(
    path: string,
    kind: K,
    name: string,
    scopes: readonly string[],
    view: (record: Records[K]) => Input,
    keep: (record: Records[K], query: Query) => boolean = () => true,
  ): void {
    app.get(`/api/${path}`, (c) => {
      needScope(desk, c.get('login'), ...scopes);
      const query = queryOf(c.req.url);
      const all = found(kind, query, view, keep);
      const rows = page(all, query);
      return c.json({ record_count: profile.countsAll ? all.length : rows.length, [name]: rows });
    });
    single(path, kind, scopes, view);
  }

  function single<K extends RecordKind>(
    path: string,
    kind: K,
    scopes: readonly string[],
    view: (record: Records[K]) => Input,
  ): void {
    app.get(`/api/${path}/:id`, (c: Ctx) => {
      if (scopes.length > 0) needScope(desk, c.get('login'), ...scopes);
      const record = store.find(kind, idOf(c));
      if (record === null) throw notFound(`${path} ${c.req.param('id')}`);
      return c.json(view(record));
    });
  }

  function found<K extends RecordKind>(
    kind: K,
    query: Query,
    view: (record: Records[K]) => Input,
    keep: (record: Records[K], query: Query) => boolean,
  ): Input[] {
    const words = (query.get('search') ?? '').toLowerCase();
    const all = store
      .list(kind)
      .filter((record) => keep(record, query))
      .map(view);
    if (words === '') return all;
    return all.filter((one) =>
      ['name', 'emailaddress', 'value', 'outcome'].some((key) => textOf(one, key)?.toLowerCase().includes(words)),
    );
  }

  function page(all: readonly Input[], query: Query): readonly Input[] {
    const asked = Number(query.get('page_size') ?? query.get('count') ?? defaultPageSize);
    const isPaged = query.get('pageinate') === 'true';
    const isSize = Number.isInteger(asked) && asked > 0;
    const size = isPaged && profile.fixedPage ? profile.pageCap : isSize ? asked : defaultPageSize;
    const bounded = isPaged ? Math.min(size, profile.pageCap) : size;
    const number = isPaged ? Math.max(1, Number(query.get('page_no') ?? 1) || 1) : 1;
    return all.slice((number - 1) * bounded, number * bounded);
  }
}

function same(query: Query, name: string, value: number): boolean {
  const wanted = query.get(name);
  return wanted === undefined || Number(wanted) === value;
}
