/** `/api/Tickets` and `/api/Actions`. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Hono } from 'hono';
import { actionView, needAction } from './actions.ts';
import { attachmentView } from './attachments.ts';
import { actorOf, needScope } from './auth.ts';
import { switchesOf } from './desk.ts';
import { HaloError } from './errors.ts';
import type { Input } from './input.ts';
import { wholeOf } from './input.ts';
import { listActions, listTickets, queryOf } from './lists.ts';
import type { Actor } from './model.ts';
import { act, deleteAction, deleteTicket, editTicket, logTicket } from './operations.ts';
import type { Ctx, Env, Serving } from './serving.ts';
import { elementsOf, idOf } from './serving.ts';
import { needTicket, ticketView } from './tickets.ts';

const everything = { html: true, email: true, attachments: true };

/** Adds the routes. */
export function ticketRoutes(app: Hono<Env>, serving: Serving): void {
  const { desk } = serving;
  let creating = 0;

  app.get('/api/tickets', (c) => {
    needScope(c.get('login'), 'read:tickets', 'edit:tickets');
    return c.json(listTickets(desk, queryOf(c.req.url)));
  });

  app.post('/api/tickets', async (c) => {
    const actor = writer(c);
    const done: Input[] = [];
    for (const element of await elementsOf(c)) {
      const id = wholeOf(element, 'id') ?? 0;
      const ticket =
        id > 0
          ? editTicket(desk, id, element, actor, switchesOf(element))
          : await createAlone(() => logTicket(desk, element, actor, switchesOf(element)));
      done.push(wholeView(ticket.id));
    }
    return answer(c, done);
  });

  app.get('/api/tickets/:id', (c) => {
    needScope(c.get('login'), 'read:tickets', 'edit:tickets');
    return c.json(wholeView(idOf(c)));
  });

  app.delete('/api/tickets/:id', (c) => {
    writer(c);
    const id = idOf(c);
    deleteTicket(desk, id);
    return c.json({ id });
  });

  app.get('/api/actions', (c) => {
    needScope(c.get('login'), 'read:tickets', 'edit:tickets');
    return c.json(listActions(desk, queryOf(c.req.url)));
  });

  app.post('/api/actions', async (c) => {
    const actor = writer(c);
    const done: Input[] = [];
    for (const element of await elementsOf(c)) {
      const action = act(desk, wholeOf(element, 'ticket_id'), element, actor, switchesOf(element));
      done.push(actionView(desk, action, everything));
    }
    return answer(c, done);
  });

  app.get('/api/actions/:id', (c) => {
    needScope(c.get('login'), 'read:tickets', 'edit:tickets');
    const action = needAction(desk, ticketOfQuery(c), idOf(c));
    return c.json(actionView(desk, action, everything));
  });

  app.delete('/api/actions/:id', (c) => {
    writer(c);
    const id = idOf(c);
    deleteAction(desk, ticketOfQuery(c), id);
    return c.json({ id });
  });

  function writer(c: Ctx): Actor {
    needScope(c.get('login'), 'edit:tickets');
    return actorOf(desk.store, c.get('login'));
  }

  function wholeView(id: number): Input {
    const attachments = desk.store.attachments(id).map(attachmentView);
    return { ...ticketView(desk, needTicket(desk, id), true), attachments };
  }

  /** Two creations at once collide in Halo's numbering; the later one gets the database's complaint. */
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

/** Only the last of what was written, unless all were asked for. */
export function answer(c: Ctx, done: readonly Input[]): Response {
  const all = queryOf(c.req.url).get('returnall') === 'true';
  return c.json(all ? done : (done.at(-1) ?? null), 201);
}
