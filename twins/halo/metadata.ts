/** What the desk offers: statuses, categories, types, action kinds, fields, people, organisations. */
import type { Hono } from 'hono';
import { needScope } from './auth.ts';
import { fieldInfoView } from './customfields.ts';
import { errorTexts, notFound, refused } from './errors.ts';
import type { Input } from './input.ts';
import { textOf } from './input.ts';
import type { Query } from './lists.ts';
import { queryOf } from './lists.ts';
import type { RecordKind, Records } from './model.ts';
import { outcomeView, saveUser, siteView, typeView, userView } from './metadata-views.ts';
import type { Ctx, Env, Serving } from './serving.ts';
import { elementsOf, idOf } from './serving.ts';

/** Adds the routes. */
export function metadataRoutes(app: Hono<Env>, { desk }: Serving): void {
  const { store } = desk;
  const anyone: readonly string[] = [];
  const customers = ['read:customers', 'edit:customers'];
  const suppliers = ['read:suppliers', 'edit:suppliers'];

  plain('status', 'status', (one) => ({ ...one }));
  plain(
    'category',
    'category',
    (one) => ({ ...one }),
    (one, q) => same(q, 'type_id', one.type_id),
  );
  plain('priority', 'priority', (one) => ({ ...one }));
  plain('tickettype', 'tickettype', (one) => typeView(store, one));
  plain('outcome', 'outcome', (one) => outcomeView(store, one));
  plain('fieldinfo', 'fieldinfo', fieldInfoView);
  app.get('/api/agent/me', (c) => {
    const { agent_id } = c.get('login').application;
    const agent = agent_id === null ? null : store.find('agent', agent_id);
    if (agent === null) throw refused(errorTexts.notSupported);
    return c.json(agent);
  });
  plain('agent', 'agent', (one) => ({ ...one }));
  plain('team', 'team', (one) => ({ ...one }));
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
    needScope(c.get('login'), 'edit:customers');
    const elements = await elementsOf(c);
    const done = store.atomically(() => elements.map((element) => userView(store, saveUser(store, element))));
    return c.json(done.at(-1) ?? null, 201);
  });

  /** A collection that Halo answers as a bare array. */
  function plain<K extends RecordKind>(
    path: string,
    kind: K,
    view: (record: Records[K]) => Input,
    keep: (record: Records[K], query: Query) => boolean = () => true,
  ): void {
    app.get(`/api/${path}`, (c) => {
      const query = queryOf(c.req.url);
      return c.json(found(kind, query, view, keep));
    });
    single(path, kind, anyone, view);
  }

  /** A collection that Halo answers with its count. */
  function paged<K extends RecordKind>(
    path: string,
    kind: K,
    name: string,
    scopes: readonly string[],
    view: (record: Records[K]) => Input,
    keep: (record: Records[K], query: Query) => boolean = () => true,
  ): void {
    app.get(`/api/${path}`, (c) => {
      needScope(c.get('login'), ...scopes);
      const query = queryOf(c.req.url);
      const all = found(kind, query, view, keep);
      return c.json({ record_count: all.length, [name]: page(all, query) });
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
      if (scopes.length > 0) needScope(c.get('login'), ...scopes);
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
}

function same(query: Query, name: string, value: number): boolean {
  const wanted = query.get(name);
  return wanted === undefined || Number(wanted) === value;
}

function page(all: readonly Input[], query: Query): readonly Input[] {
  const size = Number(query.get('page_size') ?? query.get('count') ?? 0);
  if (!Number.isInteger(size) || size <= 0) return all;
  const number = query.get('pageinate') === 'true' ? Math.max(1, Number(query.get('page_no') ?? 1) || 1) : 1;
  return all.slice((number - 1) * size, number * size);
}
