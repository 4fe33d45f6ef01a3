/** The desk as people see it in a browser. Each page works without a script; with one it is live. */
import type { Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import { download } from '#twins/halo/api-attachments.ts';
import { errorTexts, HaloError, notFound } from '#twins/halo/errors.ts';
import type { Attachment, Ticket, User } from '#twins/halo/model.ts';
import { agentActs, agentLogs, needUser, userReplies } from '#twins/halo/persons.ts';
import type { Ctx, Env, Serving } from '#twins/halo/serving.ts';
import { idOf } from '#twins/halo/serving.ts';
import { needTicket } from '#twins/halo/tickets.ts';
import { allows } from '#twins/halo/workflow.ts';
import { actionInput } from './action-form.ts';
import { assetRoutes } from './assets.ts';
import { deskPage } from './desk-list.ts';
import { eventRoutes } from './events.ts';
import type { Form } from './form-input.ts';
import { emptyForm, formOf, noteOf } from './form-input.ts';
import { page } from './frame.ts';
import { isPage, pageHeaders } from './guard.ts';
import type { Html } from './html.ts';
import { newPage, ticketInput } from './new-page.ts';
import { outboxPage } from './outbox-page.ts';
import { portalPage, portalTicketPage, portalUsers } from './portal-pages.ts';
import { ticketPage } from './ticket-page.ts';

/** Content types that an uploaded picture may be shown as. Any other is only downloaded. */
const showable = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

/** Adds the routes. */
export function pageRoutes(app: Hono<Env>, serving: Serving): void {
  const { desk } = serving;
  const { store } = desk;
  const cookie = `agent-${serving.tenant}`;
  const agentOf = (c: Ctx): string => getCookie(c, cookie) ?? '';

  assetRoutes(app, serving);
  app.use(async (c, next) => {
    if (!isPage(c.req.path)) return next();
    pageHeaders(c, serving.frameAncestors);
    return next();
  });
  eventRoutes(app, serving);

  app.get('/desk', (c) => c.html(deskPage(serving)));
  app.get('/desk/new', (c) => c.html(newPage(serving, emptyForm, agentOf(c))));
  app.post('/desk/new', async (c) => {
    const form = await formOf(c);
    try {
      const ticket = agentLogs(desk, form.text('agent'), await ticketInput(desk, form));
      remember(c, form);
      return c.redirect(`/desk/tickets/${ticket.id}`, 303);
    } catch (error) {
      return c.html(newPage(serving, form, agentOf(c), refusalOf(error)), 400);
    }
  });

  app.get('/desk/tickets/:id', (c) => {
    const ticket = needTicket(desk, idOf(c));
    const done = store.action(ticket.id, Number(c.req.query('done') ?? 0) || 0);
    const made = done === null ? null : (store.find('outcome', done.outcome_id)?.buttonname ?? done.outcome);
    const said = made === null ? {} : { done: `${made}: done.` };
    const wanted = c.req.query('action');
    if (wanted === undefined) return c.html(ticketPage(serving, ticket, said));
    const kind = store.find('outcome', Number(wanted));
    if (kind === null || !allows(desk, ticket, kind)) {
      return c.html(ticketPage(serving, ticket, { refusal: errorTexts.noAccess }), 400);
    }
    return c.html(ticketPage(serving, ticket, { kind, shown: { form: emptyForm, agent: agentOf(c) } }));
  });
  app.post('/desk/tickets/:id/actions', async (c) => {
    const ticket = needTicket(desk, idOf(c));
    const form = await formOf(c);
    const kind = store.find('outcome', form.number('kind') ?? 0);
    try {
      const action = agentActs(desk, form.text('agent'), ticket.id, await actionInput(desk, kind, form));
      remember(c, form);
      return c.redirect(`/desk/tickets/${ticket.id}?done=${action.id}`, 303);
    } catch (error) {
      const refusal = refusalOf(error);
      const asked = kind === null ? { refusal } : { kind, shown: { form, agent: agentOf(c), refusal } };
      return c.html(ticketPage(serving, needTicket(desk, ticket.id), asked), 400);
    }
  });
  app.get('/desk/files/:id', (c) => file(c, () => true));

  app.get('/portal', (c) => {
    const email = c.req.query('user') ?? '';
    const user = email === '' ? portalUsers(serving)[0] : needUser(desk, email);
    if (user === undefined) throw notFound('A user with an e-mail address');
    return c.html(portalPage(serving, user));
  });
  app.get('/portal/tickets/:id', (c) => {
    const { ticket, user } = requested(c);
    const done = c.req.query('done') === undefined ? {} : { done: 'Your reply was sent.' };
    return c.html(portalTicketPage(serving, ticket, user, { form: emptyForm, ...done }));
  });
  app.post('/portal/tickets/:id/replies', async (c) => {
    const { ticket, user } = requested(c);
    const form = await formOf(c);
    try {
      const { html: note_html, attachments } = await noteOf(form);
      const action = userReplies(desk, user.emailaddress, ticket.id, { note_html, attachments });
      return c.redirect(`/portal/tickets/${ticket.id}?done=${action.id}`, 303);
    } catch (error) {
      return c.html(portalTicketPage(serving, ticket, user, { form, refusal: refusalOf(error) }), 400);
    }
  });
  app.get('/portal/files/:id', (c) => file(c, isPublic));

  app.get('/outbox', (c) => {
    const id = Number(c.req.query('ticket') ?? 0);
    return c.html(outboxPage(serving, Number.isInteger(id) ? id : 0));
  });

  function remember(c: Ctx, form: Form): void {
    setCookie(c, cookie, form.text('agent'), { path: '/desk', httpOnly: true, sameSite: 'Lax' });
  }

  /** Returns the portal's ticket and the user it belongs to. */
  function requested(c: Ctx): { ticket: Ticket; user: User } {
    const ticket = needTicket(desk, idOf(c));
    const user = store.find('user', ticket.user_id);
    if (user === null || user.emailaddress === '') throw notFound(`Ticket ${ticket.id}`);
    return { ticket, user };
  }

  function isPublic(attachment: Attachment): boolean {
    if (attachment.action_id === 0) return attachment.showforusers !== false;
    return store.action(attachment.ticket_id, attachment.action_id)?.hiddenfromuser === false;
  }

  async function file(c: Ctx, may: (attachment: Attachment) => boolean): Promise<Response> {
    const attachment = store.attachment(idOf(c));
    if (attachment === null || !may(attachment)) throw notFound(`Attachment ${c.req.param('id')}`);
    const shows = showable.has(attachment.content_type);
    const how = shows ? 'inline' : 'attachment';
    return download(c, serving, attachment.id, {
      'content-disposition': `${how}; filename*=UTF-8''${encodeURIComponent(attachment.filename)}`,
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': c.req.query('v') === undefined ? 'no-store' : 'private, max-age=86400, immutable',
    });
  }
}

/** Returns the desk's own words and, if they hide it, their meaning. Rethrows anything that is not a refusal. */
function refusalOf(error: unknown): string {
  if (!(error instanceof HaloError)) throw error;
  return error.meaning === null ? error.message : `${error.message} (${error.meaning})`;
}

/** Renders any error on the way to a page as a page. */
export function errorPage(c: Ctx, serving: Serving, error: unknown): Response | Promise<Response> {
  const status = error instanceof HaloError ? error.status : 500;
  const message = error instanceof Error ? error.message : String(error);
  pageHeaders(c, serving.frameAncestors);
  // If the ticket is gone, as after a reset, the page that shows it moves elsewhere by itself, so nothing has failed.
  if (status === 404 && c.req.header('hx-request') === 'true') {
    c.header('hx-redirect', c.req.path.startsWith('/portal') ? '/portal' : '/desk');
    return c.body(null, 204);
  }
  const body: Html = html`<h1>${status === 404 ? 'Not here' : 'That did not work'}</h1>
    <p class="refusal" role="alert" data-testid="refusal">${message}</p>`;
  const portal = c.req.path.startsWith('/portal');
  return c.html(page(serving, { title: `Error ${status}`, section: null, body, portal }), status as 400);
}
