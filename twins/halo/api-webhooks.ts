/** `/api/Webhook` and `/api/WebhookEvent`. */
import { randomUUID } from 'node:crypto';
import type { Hono } from 'hono';
import { needScope } from './auth.ts';
import { notFound, refused } from './errors.ts';
import type { Input } from './input.ts';
import { flagOf, textOf, wholeOf } from './input.ts';
import { queryOf } from './lists.ts';
import type { Webhook } from './model.ts';
import type { Env, Serving } from './serving.ts';
import { elementsOf } from './serving.ts';
import type { Store } from './store.ts';

/** Adds the routes. */
export function webhookRoutes(app: Hono<Env>, { desk }: Serving): void {
  const { store } = desk;

  app.get('/api/webhook', (c) => {
    needScope(desk, c.get('login'), 'admin');
    return c.json(store.list('webhook').map(webhookView));
  });
  app.post('/api/webhook', async (c) => {
    needScope(desk, c.get('login'), 'admin');
    const elements = await elementsOf(c);
    const done = store.atomically(() => elements.map((element) => webhookView(saveWebhook(store, element))));
    return c.json(done.at(-1) ?? null, 201);
  });
  app.get('/api/webhook/:guid', (c) => {
    needScope(desk, c.get('login'), 'admin');
    return c.json(webhookView(needWebhook(store, c.req.param('guid'))));
  });
  app.delete('/api/webhook/:guid', (c) => {
    needScope(desk, c.get('login'), 'admin');
    const webhook = needWebhook(store, c.req.param('guid'));
    store.remove('webhook', webhook.id);
    return c.json({ id: webhook.guid });
  });
  app.get('/api/webhookevent', (c) => {
    needScope(desk, c.get('login'), 'admin');
    const guid = queryOf(c.req.url).get('webhook_id');
    const rows = store.all('select body from webhook_events order by id desc limit 1000');
    const events = rows.map((row) => JSON.parse(String(row.body)) as Input);
    return c.json(events.filter((event) => guid === undefined || event.webhook_id === guid));
  });
}

const bodies = ['full', 'small', 'event', 'text'] as const;

function saveWebhook(store: Store, element: Input): Webhook {
  const guid = textOf(element, 'id') ?? '';
  const before = guid === '' ? null : needWebhook(store, guid);
  const url = textOf(element, 'url') ?? before?.url ?? '';
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw refused('A URL is required');
  const events = Array.isArray(element.events) ? element.events.map(eventName) : before?.events;
  const webhook = {
    id: before?.id ?? store.nextNumber('webhook', 1),
    guid: before?.guid ?? randomUUID(),
    name: textOf(element, 'name') ?? before?.name ?? url,
    url,
    active: flagOf(element, 'active') ?? before?.active ?? true,
    authentication_type: wholeOf(element, 'authentication_type') ?? before?.authentication_type ?? 0,
    basic_username: textOf(element, 'basic_username') ?? before?.basic_username ?? '',
    basic_password: textOf(element, 'basic_password') ?? before?.basic_password ?? '',
    events: events ?? [],
    body: bodies.find((one) => one === element.body) ?? before?.body ?? 'full',
    batched: flagOf(element, 'batched') ?? before?.batched ?? false,
  };
  store.put('webhook', webhook);
  return webhook;
}

/** Reads an event's name. Halo's own rows have it in `name`, beside an `eventno`. */
function eventName(event: unknown): string {
  if (typeof event === 'string') return event;
  const row = event as Input | null;
  return row === null || typeof row !== 'object' ? '' : (textOf(row, 'name') ?? '');
}

function needWebhook(store: Store, guid: string): Webhook {
  const webhook = store.list('webhook').find((one) => one.guid === guid.toLowerCase());
  if (webhook === undefined) throw notFound(`Webhook ${guid}`);
  return webhook;
}

function webhookView(webhook: Webhook): Input {
  const { guid, basic_password: _secret, events, ...rest } = webhook;
  return { ...rest, id: guid, events: events.map((name) => ({ name })) };
}
