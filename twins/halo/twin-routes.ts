/** `/twin`: an API for what a real Halo has pages for: people acting, the outbox, faults to order. */
import type { Hono } from 'hono';
import { actionView } from './actions.ts';
import { download } from './api-attachments.ts';
import { attachmentView } from './attachments.ts';
import { notFound, refused } from './errors.ts';
import type { Input } from './input.ts';
import { flagOf, isInput, wholeOf } from './input.ts';
import { findTickets, queryOf } from './lists.ts';
import { outbox } from './mail.ts';
import type { RecordKind, Records } from './model.ts';
import type { PortalTicket, TicketSeen } from './client.ts';
import { decideApproval, deleteAction, deleteTicket, mergeTickets, recompute } from './operations.ts';
import { agentActs, agentLogs, editByHand, userLogs, userReplies } from './persons.ts';
import { outboxText, portalText, ticketsText, ticketText } from './plain.ts';
import { portalTicket, portalTickets } from './portal.ts';
import type { Ctx, Env, Serving } from './serving.ts';
import { idOf, jsonOf, objectOf, wantsPage, wantsText } from './serving.ts';
import { needTicket, ticketView } from './tickets.ts';

const kinds = [
  ...(['status', 'category', 'priority', 'tickettype', 'outcome', 'template', 'fieldinfo', 'client'] as const),
  ...(['site', 'user', 'agent', 'team', 'supplier', 'webhook', 'rule'] as const),
] as const satisfies readonly RecordKind[];

/** Adds the routes. They need no token: the twin listens on this machine only. */
export function twinRoutes(app: Hono<Env>, serving: Serving): void {
  const { desk, faults, limiter, log, webhooks } = serving;
  const { store } = desk;

  const whole = (id: number): Input => ({
    ...ticketView(desk, needTicket(desk, id), true),
    attachments: store.attachments(id).map((one) => ({ ...attachmentView(one), sha256: one.sha256, guid: one.guid })),
    actions: store
      .actions(id)
      .filter(({ iscreation }) => !iscreation)
      .map((action) => actionView(desk, action, { html: true, email: true, attachments: true })),
  });

  const textOf = (id: number): string => ticketText(whole(id) as unknown as TicketSeen);
  const showTicket = (c: Ctx, id: number, status: 200 | 201): Response =>
    wantsText(c) ? c.text(textOf(id), status) : c.json(whole(id), status);
  const showPortal = (c: Ctx, email: string, id: number, status: 200 | 201): Response => {
    const ticket = portalTicket(desk, email, id);
    return wantsText(c) ? c.text(portalText(ticket as unknown as PortalTicket), status) : c.json(ticket, status);
  };

  app.post('/twin/agent/:name/tickets', async (c) => {
    return showTicket(c, agentLogs(desk, c.req.param('name'), await objectOf(c)).id, 201);
  });
  app.post('/twin/agent/:name/tickets/:id/actions', async (c) => {
    const action = agentActs(desk, c.req.param('name'), idOf(c), await objectOf(c));
    if (wantsText(c)) return c.text(textOf(action.ticket_id), 201);
    return c.json(actionView(desk, action, { html: true, email: true, attachments: true }), 201);
  });
  app.post('/twin/users/:email/tickets', async (c) => {
    const ticket = userLogs(desk, c.req.param('email'), await objectOf(c));
    return showPortal(c, c.req.param('email'), ticket.id, 201);
  });
  app.post('/twin/users/:email/tickets/:id/replies', async (c) => {
    const action = userReplies(desk, c.req.param('email'), idOf(c), await objectOf(c));
    if (wantsText(c)) return showPortal(c, c.req.param('email'), action.ticket_id, 201);
    return c.json(actionView(desk, action, { html: true, email: false, attachments: true }), 201);
  });
  app.get('/twin/portal/:email/tickets', (c) => {
    const email = c.req.param('email');
    const tickets = portalTickets(desk, email);
    if (!wantsText(c)) return c.json(tickets);
    return c.text(
      tickets.map(({ id }) => portalText(portalTicket(desk, email, Number(id)) as unknown as PortalTicket)).join('\n'),
    );
  });
  app.get('/twin/portal/:email/tickets/:id', (c) => showPortal(c, c.req.param('email'), idOf(c), 200));

  app.get('/twin/tickets', (c) => {
    const list = findTickets(desk, queryOf(c.req.url), 1000);
    if (!wantsText(c)) {
      const tickets = list.tickets.map((ticket) => ticketView(desk, ticket, false));
      return c.json({ record_count: list.total, tickets });
    }
    const ids = list.tickets.map(({ id }) => id);
    return c.text(ticketsText(ids.map((id) => whole(id) as unknown as TicketSeen)));
  });
  // The address at which Halo's own pages show a ticket; a connector reports it.
  app.get('/ticket', (c) => {
    const id = Number(queryOf(c.req.url).get('id'));
    if (wantsPage(c)) return c.redirect(`/desk/tickets/${Number.isInteger(id) ? id : 0}`);
    return c.text(textOf(Number.isInteger(id) ? id : 0));
  });
  app.get('/twin/tickets/:id', (c) => showTicket(c, idOf(c), 200));
  app.post('/twin/tickets/:id', async (c) => showTicket(c, editByHand(desk, idOf(c), await objectOf(c)).id, 200));
  app.delete('/twin/tickets/:id', (c) => {
    deleteTicket(desk, idOf(c));
    return c.json({ deleted: true });
  });
  app.post('/twin/tickets/:id/merge', async (c) => {
    const into = wholeOf(await objectOf(c), 'into');
    if (into === undefined) throw refused('into: the ticket that stays');
    return c.json(ticketView(desk, mergeTickets(desk, idOf(c), into), true));
  });
  app.post('/twin/tickets/:id/approval', (c) => {
    decideApproval(desk, idOf(c));
    return c.json({ decided: true });
  });
  app.post('/twin/recompute', (c) => c.json({ tickets: recompute(desk) }));
  app.delete('/twin/tickets/:id/actions/:action', (c) => {
    deleteAction(desk, idOf(c), idOf(c, 'action'));
    return c.json({ deleted: true });
  });
  app.get('/twin/attachments/:id', async (c) => download(c, serving, idOf(c)));

  app.get('/twin/outbox', (c) => {
    const ticketId = Number(queryOf(c.req.url).get('ticket_id') ?? 0);
    const mails = outbox(desk).filter((mail) => ticketId === 0 || mail.ticket_id === ticketId);
    return wantsText(c) ? c.text(outboxText(mails)) : c.json(mails);
  });

  app.get('/twin/faults', (c) => c.json(faults.list()));
  app.post('/twin/faults', async (c) => {
    const body = await objectOf(c);
    if (body.kind === 'restart' && !isInput(body.match)) {
      serving.restart(wholeOf(body, 'ms') ?? 200);
      return c.json({ restarting: true });
    }
    if (body.kind === 'revoke-tokens' && !isInput(body.match)) {
      store.run('delete from tokens');
      return c.json({ revoked: true });
    }
    return c.json({ id: faults.add(body).id }, 201);
  });
  app.delete('/twin/faults', (c) => {
    faults.clear();
    return c.json({ cleared: true });
  });

  app.get('/twin/requests', (c) => c.json(log.report()));
  app.delete('/twin/requests', (c) => {
    log.clear();
    return c.json({ cleared: true });
  });
  app.post('/twin/ratelimit', async (c) => {
    const body = await objectOf(c);
    limiter.set({
      limit: wholeOf(body, 'limit') ?? limiter.current.limit,
      windowMs: wholeOf(body, 'windowMs') ?? limiter.current.windowMs,
      retryAfter: flagOf(body, 'retryAfter') ?? limiter.current.retryAfter,
    });
    return c.json({ ...limiter.current, used: limiter.used(desk.now()) });
  });
  app.get('/twin/webhooks/pending', (c) => c.json({ pending: webhooks.pending() }));

  app.get('/twin/rules', (c) => c.json(store.list('rule')));
  app.post('/twin/rules', async (c) => c.json(patch('rule', await objectOf(c)), 201));
  app.delete('/twin/rules', (c) => {
    for (const rule of store.list('rule')) store.remove('rule', rule.id);
    return c.json({ cleared: true });
  });
  app.get('/twin/catalogue/:kind', (c) => c.json(store.list(kindOf(c.req.param('kind')))));
  app.post('/twin/catalogue/:kind', async (c) => {
    const kind = kindOf(c.req.param('kind'));
    const body = await jsonOf(c);
    const patches = (Array.isArray(body) ? body : [body]).filter(isInput);
    return c.json(store.atomically(() => patches.map((one) => patch(kind, one))));
  });
  app.delete('/twin/catalogue/:kind/:id', (c) => {
    store.remove(kindOf(c.req.param('kind')), idOf(c));
    return c.json({ deleted: true });
  });

  app.get('/twin/info', (c) => {
    const { product, version, tenant } = serving;
    const { name, mailbox } = desk;
    const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
    return c.json({
      name,
      url: desk.baseUrl(),
      product,
      version,
      tenant,
      mailbox,
      peakMemoryBytes,
    });
  });
  app.post('/twin/reset', (c) => {
    serving.reset();
    return c.json({ reset: true });
  });

  /** Changes the record with this id, or adds one. A rule without an id gets one. */
  function patch(kind: RecordKind, body: Input): Input {
    const all = store.list(kind);
    const id = wholeOf(body, 'id') ?? Math.max(0, ...all.map((one) => one.id)) + 1;
    const fresh = kind === 'rule' ? { name: `Rule ${id}`, enabled: true, when: { on: 'action' }, does: {} } : {};
    const merged = { ...fresh, ...store.find(kind, id), ...body, id };
    store.put(kind, merged as unknown as Records[typeof kind]);
    return merged;
  }
}

function kindOf(name: string): RecordKind {
  const kind = kinds.find((one) => one === name);
  if (kind === undefined) throw notFound(`Catalogue ${name}; there are: ${kinds.join(', ')}`);
  return kind;
}
