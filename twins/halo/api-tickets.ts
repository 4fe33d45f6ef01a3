/** `/api/Tickets` and `/api/Actions`. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Hono } from 'hono';
import { needAction } from './actions.ts';
import { actorOf, agentOf, needRights, needScope } from './auth.ts';
import type { Desk } from './desk.ts';
import { switchesOf } from './desk.ts';
import { HaloError, notFound } from './errors.ts';
import type { Input } from './input.ts';
import { flagOf, wholeOf } from './input.ts';
import { listActions, listTickets, queryOf } from './lists.ts';
import type { Actor, Ticket } from './model.ts';
import { act, deleteAction, deleteTicket, editTicket, logTicket, restoreTicket } from './operations.ts';
import type { Ctx, Env, Serving } from './serving.ts';
import { checkNumbers, elementsOf, idOf } from './serving.ts';
import { shownAction, wholeTicket } from './shown.ts';
import { needTicket } from './tickets.ts';

const everything = { html: true, email: true, attachments: true };

/** Adds the routes. */
export function ticketRoutes(app: Hono<Env>, serving: Serving): void {
  const { desk } = serving;
  let creating = 0;

  app.get('/api/tickets', (c) => {
    needScope(desk, c.get('login'), 'read:tickets', 'edit:tickets');
    return c.json(listTickets(desk, queryOf(c.req.url), agentOf(desk.store, c.get('login'))));
  });

  app.post('/api/tickets', async (c) => {
    const actor = writer(c);
    const done: Input[] = [];
    for (const element of checkNumbers(await elementsOf(c), ['id', 'status_id', 'client_id', 'user_id'])) {
      const id = wholeOf(element, 'id') ?? 0;
      if (id > 0 && flagOf(element, 'deleted') === false) restoreTicket(desk, id);
      const before = id > 0 ? needTicket(desk, id) : null;
      needRights(desk, c.get('login'), { client_id: before?.client_id ?? wholeOf(element, 'client_id') ?? 0 });
      const ticket =
        before !== null
          ? editTicket(desk, id, element, actor, switchesOf(element))
          : await createAlone(() => logTicket(desk, element, actor, switchesOf(element)));
      done.push(wholeTicket(desk, ticket));
      hold(c, ticket.id, before, before === null ? [1] : []);
    }
    return answer(c, desk, done);
  });

  app.get('/api/tickets/:id', (c) => {
    needScope(desk, c.get('login'), 'read:tickets', 'edit:tickets');
    const id = idOf(c);
    const now = desk.store.ticket(id);
    const seen = now === null ? null : desk.unseen.ticket(now);
    if (seen === null || (seen.deleted && desk.profile.deleted === 'absent')) throw notFound(`Ticket ${id}`);
    needRights(desk, c.get('login'), seen);
    return c.json(wholeTicket(desk, seen));
  });

  app.delete('/api/tickets/:id', (c) => {
    writer(c);
    const id = idOf(c);
    deleteTicket(desk, id);
    return c.json({ id });
  });

  app.get('/api/actions', (c) => {
    needScope(desk, c.get('login'), 'read:tickets', 'edit:tickets');
    return c.json(listActions(desk, queryOf(c.req.url), agentOf(desk.store, c.get('login'))));
  });

  app.post('/api/actions', async (c) => {
    const actor = writer(c);
    const done: Input[] = [];
    for (const element of checkNumbers(await elementsOf(c), ['id', 'ticket_id', 'outcome_id', 'new_status'])) {
      const ticketId = wholeOf(element, 'ticket_id');
      const before = ticketId === undefined ? null : desk.store.ticket(ticketId);
      if (before !== null) needRights(desk, c.get('login'), before);
      const action = act(desk, ticketId, rewritten(c, element), actor, switchesOf(element));
      done.push(shownAction(desk, action, everything));
      hold(c, action.ticket_id, before, [action.id]);
    }
    return answer(c, desk, done);
  });

  app.get('/api/actions/:id', (c) => {
    needScope(desk, c.get('login'), 'read:tickets', 'edit:tickets');
    const action = needAction(desk, ticketOfQuery(c), idOf(c));
    return c.json(shownAction(desk, action, { ...everything, html: false }));
  });

  app.delete('/api/actions/:id', (c) => {
    writer(c);
    const action = deleteAction(desk, ticketOfQuery(c), idOf(c));
    return c.json(shownAction(desk, action, everything));
  });

  function writer(c: Ctx): Actor {
    needScope(desk, c.get('login'), 'edit:tickets');
    return actorOf(desk.store, c.get('login'));
  }

  /** Hides what was just written from readers for a while, if a fault was ordered for it. */
  function hold(c: Ctx, ticketId: number, before: Ticket | null, actionIds: readonly number[]): void {
    const fault = c.get('faults').find(({ kind }) => kind === 'readable-later');
    const ms = fault?.ms ?? (desk.profile.noteDelayMs > 1_000 ? desk.profile.noteDelayMs * 0.75 : 0);
    if (ms > 0) desk.unseen.hold({ ticketId, before, actionIds }, ms);
  }

  /** Rewords the note, as Halo's AI can be told to do, if a fault was ordered for it. */
  function rewritten(c: Ctx, element: Input): Input {
    const fault = c.get('faults').find(({ kind }) => kind === 'rewritten-note');
    if (fault === undefined || typeof element.note_html !== 'string') return element;
    return { ...element, note_html: fault.text === '' ? `<p>In short: it is said.</p>` : fault.text };
  }

  /** Lets two creations at the same time collide in Halo's numbering; the later one gets the database's error. */
  async function createAlone<T>(create: () => T): Promise<T> {
    if (creating > 0) {
      const message =
        "Violation of PRIMARY KEY constraint 'PK_FAULTS'. Cannot insert duplicate key in object 'dbo.FAULTS'.";
      throw new HaloError(500, message, {
        ClassName: 'System.Data.SqlClient.SqlException',
        Message: message,
      });
    }
    creating++;
    try {
      if (serving.createMs > 0) await delay(serving.createMs);
      return create();
    } finally {
      creating--;
    }
  }
}

function ticketOfQuery(c: Ctx): number | undefined {
  const id = Number(queryOf(c.req.url).get('ticket_id') ?? Number.NaN);
  return Number.isInteger(id) ? id : undefined;
}

/** Answers with only the last element written, unless the caller asked for all; alone or in a list. */
export function answer(c: Ctx, desk: Desk, done: readonly Input[]): Response {
  const all = queryOf(c.req.url).get('returnall') === 'true';
  const last = done.at(-1) ?? null;
  return c.json(all ? done : desk.profile.posted === 'array' ? [last] : last, 201);
}
