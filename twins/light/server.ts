/**
 * The lightest possible helpdesk: tickets in memory behind plain HTTP. It serves benchmarks and tests of the courier,
 * which a product's own slowness or rules would only disturb. Faults can be injected.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, request as send } from 'undici';
import { createListener } from '#listener/listener.ts';

export type DeskAction = {
  readonly id: number;
  readonly at: string;
  readonly by: 'service' | 'agent' | 'user' | 'automation';
  readonly author: string;
  readonly kind: string;
  readonly note: string | null;
  readonly visible: boolean;
  readonly status?: string;
  readonly fields?: Record<string, unknown>;
  readonly marker?: string;
  /** The time from which readers see it, by our clock, in milliseconds. */
  readonly shownAt?: number;
  readonly files?: readonly DeskFile[];
};

/** Desks that keep files serve their bytes at `/files/<id>`. This one keeps none. */
export type DeskFile = {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly sizeBytes: number;
};

export type DeskTicket = {
  readonly id: string;
  summary: string;
  description: string;
  status: string;
  fields: Record<string, unknown>;
  marker: string | null;
  reference: string | null;
  /** Deleted: kept for those who count afterwards, and answered with 404. */
  removed?: boolean;
  readonly actions: DeskAction[];
  /** The feed position of its latest change, and the time of that change by the desk's clock. */
  position: number;
  changedAt?: string;
  /** The time from which readers see it, by our clock, in milliseconds. */
  shownAt?: number;
};

/** The desk's clock, and the replica of its database that reads come from. */
export type DeskVices = {
  /** How far it is ahead of ours, in milliseconds. */
  readonly skewMs: number;
  /** Times are truncated to whole seconds. */
  readonly wholeSeconds: boolean;
  /** How much later readers see what people write, in milliseconds. */
  readonly lagMs: number;
  /** How far the clock of its replies' Date header alone is ahead, in milliseconds; null: as the desk's. */
  readonly dateSkewMs: number | null;
};

export type DeskFault = {
  /** The requests it strikes: a write of either sort, or a read. */
  readonly on: 'open' | 'action' | 'read' | 'any';
  /** `delay`: before anything is done; `slow-reply`: after it. */
  readonly kind: 'lose-reply' | 'slow-reply' | 'error' | 'refuse' | 'delay' | 'hang' | 'gone' | 'slow-down';
  readonly ms?: number;
  /** The number of requests it strikes before it is over. */
  readonly times: number;
  /** Strikes only actions whose note contains this text. */
  readonly noteHas?: string;
  /** Strikes only requests about this ticket. */
  readonly ticket?: string;
};

export type LightDesk = {
  readonly url: string;
  readonly tickets: ReadonlyMap<string, DeskTicket>;
  /** Stops the desk: connections are cut and refused until `resume`, which uses the same address. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
};

export type DeskOptions = {
  /** The identity that it reports; none by default. */
  readonly identity?: string;
  readonly name: string;
  readonly port?: number;
  /** Webhooks go here, unsigned and without retries. */
  readonly hook?: string;
  /** The tickets it had when it was stopped. Its feed then has each ticket at its last change. */
  readonly tickets?: readonly DeskTicket[];
};

const closedStatus = 'closed';

export async function startDesk(options: DeskOptions): Promise<LightDesk> {
  const tickets = new Map<string, DeskTicket>();
  const feed: string[] = [];
  const byMarker = new Map<string, { ticket: string; action: number | null }>();
  const faults: { fault: DeskFault; left: number }[] = [];
  let hook = options.hook;
  let next = 1;
  let lastAt = 0;
  let requests = 0;
  const hooks = new Agent({ connections: 32 });
  /** The identity that it reports, which no other desk reports. */
  let identity: string | null = options.identity ?? null;
  /** True for a bot that answers every note of a person or of ours with one of its own. */
  let bot = false;
  /** What the desk does by itself after a write of ours. */
  let automation: Partial<DeskAction> | null = null;

  for (const ticket of options.tickets ?? []) {
    tickets.set(ticket.id, structuredClone(ticket));
    feed[ticket.position - 1] = ticket.id;
    if (ticket.marker !== null) byMarker.set(ticket.marker, { ticket: ticket.id, action: null });
    for (const { id, marker } of ticket.actions)
      if (marker !== undefined) byMarker.set(marker, { ticket: ticket.id, action: id });
    next += 1;
  }

  /** Replaces the markers it keeps, as if another version of the writer had written them. */
  const rename = (markers: Readonly<Record<string, string>>): void => {
    const renamed = (marker: string): string => markers[marker] ?? marker;
    const earlier = [...byMarker];
    byMarker.clear();
    for (const [marker, place] of earlier) byMarker.set(renamed(marker), place);
    for (const ticket of tickets.values()) {
      if (ticket.marker !== null) ticket.marker = renamed(ticket.marker);
      for (const [n, action] of ticket.actions.entries())
        if (action.marker !== undefined) ticket.actions[n] = { ...action, marker: renamed(action.marker) };
    }
  };

  let vices: DeskVices = { skewMs: 0, wholeSeconds: false, lagMs: 0, dateSkewMs: null };
  let backup: string | null = null;
  /** Tickets that our account may not see. They are answered like tickets that do not exist. */
  const hidden = new Set<string>();
  const now = (): string => {
    lastAt = Math.max(lastAt + 1, Date.now() + vices.skewMs);
    const at = new Date(vices.wholeSeconds ? Math.floor(lastAt / 1_000) * 1_000 : lastAt);
    return at.toISOString();
  };
  const touch = (ticket: DeskTicket, at = now()): void => {
    feed.push(ticket.id);
    ticket.position = feed.length;
    ticket.changedAt = at;
  };
  /** Restores the backup: later changes never happened, and their ids are used again. */
  const restore = (): void => {
    if (backup === null) return;
    const kept = JSON.parse(backup) as { tickets: DeskTicket[]; feed: string[]; next: number };
    tickets.clear();
    byMarker.clear();
    for (const ticket of kept.tickets) tickets.set(ticket.id, ticket);
    feed.splice(0, feed.length, ...kept.feed);
    next = kept.next;
  };
  /** Returns the latest change, by the desk's clock, and the tickets that changed within a second of it. */
  const newestChange = (): { newest: string | null; near: string[] } => {
    const last = tickets.get(feed.at(-1) ?? '')?.changedAt ?? null;
    const ids = [...new Set(feed.slice(-20))];
    const isNear = (id: string): boolean =>
      Date.parse(tickets.get(id)?.changedAt ?? '') >= Date.parse(last ?? '') - 1_000;
    return { newest: last, near: last === null ? [] : ids.filter(isNear) };
  };
  const tellHook = (ticket: DeskTicket): void => {
    if (hook === undefined) return;
    send(hook, {
      method: 'POST',
      dispatcher: hooks,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ticket: ticket.id }),
    }).then(
      (reply) =>
        reply.body.dump().then(
          () => {},
          () => {},
        ),
      () => {},
    );
  };
  const act = (ticket: DeskTicket, action: Partial<DeskAction>): DeskAction => {
    const added: DeskAction = {
      id: (ticket.actions.at(-1)?.id ?? 0) + 1,
      at: action.at ?? now(),
      by: action.by ?? 'agent',
      author: action.author ?? 'Ann',
      kind: action.kind ?? 'Note',
      note: action.note ?? null,
      visible: action.visible ?? true,
      ...(action.status === undefined ? {} : { status: action.status }),
      ...(action.fields === undefined ? {} : { fields: action.fields }),
      ...(action.marker === undefined ? {} : { marker: action.marker }),
      ...(vices.lagMs > 0 && action.by !== 'service' ? { shownAt: Date.now() + vices.lagMs } : {}),
    };
    ticket.actions.push(added);
    if (added.status !== undefined) ticket.status = added.status;
    if (added.fields !== undefined) Object.assign(ticket.fields, added.fields);
    if (added.marker !== undefined) byMarker.set(added.marker, { ticket: ticket.id, action: added.id });
    touch(ticket, action.at === undefined ? added.at : now());
    return added;
  };
  const open = (body: Record<string, unknown>): DeskTicket => {
    const id = `${options.name}-${next++}`;
    const ticket: DeskTicket = {
      id,
      summary: textOf(body['summary'], 'A ticket'),
      description: textOf(body['description'], ''),
      status: textOf(body['status'], 'open'),
      fields: (body['fields'] as Record<string, unknown> | undefined) ?? {},
      marker: (body['marker'] as string | undefined) ?? null,
      reference: null,
      removed: false,
      actions: [],
      position: 0,
    };
    tickets.set(id, ticket);
    if (ticket.marker !== null) byMarker.set(ticket.marker, { ticket: id, action: null });
    touch(ticket);
    return ticket;
  };

  const answer = (response: ServerResponse, status: number, body: unknown): void => {
    const text = JSON.stringify(body);
    const ahead = vices.dateSkewMs ?? vices.skewMs;
    if (ahead !== 0) response.setHeader('date', new Date(Date.now() + ahead).toUTCString());
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    response.end(text);
  };
  const takeFault = (on: DeskFault['on'], note: string, ticket: string | undefined): DeskFault | null => {
    const found = faults.find(
      ({ fault, left }) =>
        left > 0 &&
        (fault.on === on || fault.on === 'any') &&
        (fault.noteHas === undefined || note.includes(fault.noteHas)) &&
        (fault.ticket === undefined || fault.ticket === ticket),
    );
    if (found === undefined) return null;
    found.left -= 1;
    return found.fault;
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests += 1;
    const url = new URL(request.url ?? '/', 'http://desk');
    const [, kind, id, sub] = url.pathname.split('/');
    const body = request.method === 'POST' ? await readJson(request) : {};
    if (kind === 'control') {
      if (body['fault'] !== undefined)
        faults.push({ fault: body['fault'] as DeskFault, left: (body['fault'] as DeskFault).times });
      if (body['clear'] === true) faults.length = 0;
      if (body['identity'] !== undefined) identity = body['identity'] as string | null;
      if (typeof body['hook'] === 'string') hook = body['hook'];
      if (typeof body['bot'] === 'boolean') bot = body['bot'];
      if (body['automation'] !== undefined) automation = body['automation'] as Partial<DeskAction> | null;
      if (body['vices'] !== undefined) {
        const before = vices;
        vices = { ...vices, ...(body['vices'] as Partial<DeskVices>) };
        // A clock that is set back shows times that it has shown before.
        if (vices.skewMs < before.skewMs) lastAt = 0;
      }
      if (body['backup'] === true) backup = JSON.stringify({ tickets: [...tickets.values()], feed, next });
      if (body['restore'] === true) restore();
      if (typeof body['unremove'] === 'string') {
        const ticket = tickets.get(body['unremove']);
        if (ticket !== undefined) {
          ticket.removed = false;
          touch(ticket);
        }
      }
      if (body['markers'] !== undefined) rename(body['markers'] as Readonly<Record<string, string>>);
      if (body['act'] !== undefined) {
        // What a person does, with any account; the fault rules apply only to the API.
        const done = body['act'] as Partial<DeskAction> & { ticket: string };
        const ticket = tickets.get(done.ticket);
        if (ticket === undefined) return answer(response, 404, { error: 'no such ticket' });
        const added = act(ticket, done);
        tellHook(ticket);
        return answer(response, 201, { id: added.id });
      }
      if (typeof body['hide'] === 'string') hidden.add(body['hide']);
      if (typeof body['show'] === 'string') {
        hidden.delete(body['show']);
        const ticket = tickets.get(body['show']);
        if (ticket !== undefined) touch(ticket);
      }
      if (typeof body['remove'] === 'string') {
        const ticket = tickets.get(body['remove']);
        if (ticket !== undefined) {
          ticket.removed = true;
          touch(ticket);
        }
      }
      return answer(response, 200, { requests, tickets: body['dump'] === true ? [...tickets.values()] : tickets.size });
    }
    const write = request.method === 'POST' && body['by'] === 'service';
    const on = kind === 'tickets' && request.method === 'POST' ? (id === undefined ? 'open' : 'action') : 'read';
    const fault =
      body['by'] === undefined || write || on === 'read'
        ? takeFault(on, textOf(body['note'] ?? body['description'], ''), kind === 'tickets' ? id : undefined)
        : null;
    if (fault?.kind === 'error') return answer(response, 503, { error: 'try later' });
    if (fault?.kind === 'refuse') return answer(response, 422, { error: 'the workflow does not allow this' });
    if (fault?.kind === 'slow-down') return answer(response, 429, { error: 'later' });
    if (fault?.kind === 'gone') return answer(response, 404, { error: 'no such ticket' });
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, fault.ms ?? 1_000));
    const lose = fault?.kind === 'lose-reply';

    if (kind === 'ping') return answer(response, 200, {});
    if (kind === 'identity') return answer(response, 200, { identity });
    if (kind === 'feed') {
      const after = Number(url.searchParams.get('after') ?? 0);
      const limit = Number(url.searchParams.get('limit') ?? 100);
      const page = feed.slice(after, after + limit);
      // Like a search by last change: each ticket once, at its last change.
      return answer(response, 200, {
        tickets: page.filter((ticket, n) => tickets.get(ticket)?.position === after + n + 1),
        cursor: after + page.length,
        more: after + page.length < feed.length,
        end: feed.length,
        ...newestChange(),
      });
    }
    if (kind === 'deleted') return answer(response, 200, { deleted: tickets.get(id ?? '')?.removed === true });
    if (kind === 'find') {
      const found = byMarker.get(url.searchParams.get('marker') ?? '');
      return answer(response, 200, found ?? { ticket: null });
    }
    if (kind === 'tickets' && request.method === 'POST' && id === undefined) {
      const ticket = open(body);
      if (body['by'] !== 'service') tellHook(ticket);
      if (lose) return void response.destroy();
      return answer(response, 201, { id: ticket.id });
    }
    const ticket = id === undefined ? undefined : tickets.get(id);
    if (ticket === undefined || ticket.removed || hidden.has(ticket.id))
      return answer(response, 404, { error: 'no such ticket' });
    if (sub === 'reference') {
      ticket.reference = (body['reference'] as string | null | undefined) ?? null;
      if (lose) return void response.destroy();
      return answer(response, 200, {});
    }
    if (sub === 'actions') {
      const done = body as Partial<DeskAction>;
      // Like a product that records each change separately: the note comes first, and only the note has the marker.
      const isApart = body['apart'] === true && done.note != null && done.status !== undefined;
      const { status, ...only } = done;
      const added = act(ticket, isApart ? only : done);
      if (isApart && status !== undefined)
        act(ticket, { ...(done.by === undefined ? {} : { by: done.by }), kind: 'Status', status });
      if (bot && added.note !== null)
        act(ticket, { by: 'agent', author: 'Bot', note: `Thank you for note ${added.id}.` });
      if (automation !== null && body['by'] === 'service')
        act(ticket, { ...automation, by: 'automation', author: 'System' });
      if (body['by'] !== 'service' || bot) tellHook(ticket);
      if (lose) return void response.destroy();
      if (fault?.kind === 'slow-reply') await new Promise((resolve) => setTimeout(resolve, fault.ms ?? 1_000));
      return answer(response, 201, { id: added.id });
    }
    const since = url.searchParams.get('since');
    const from = since === null ? Number.NEGATIVE_INFINITY : Date.parse(since);
    const after = Number(url.searchParams.get('after') ?? 0);
    return answer(response, 200, {
      id: ticket.id,
      summary: ticket.summary,
      description: ticket.description,
      status: ticket.status,
      closed: ticket.status === closedStatus,
      fields: ticket.fields,
      reference: ticket.reference,
      actions: ticket.actions.filter(
        ({ at, id, shownAt }) => Date.parse(at) >= from && id >= after && (shownAt ?? 0) <= Date.now(),
      ),
    });
  };

  const server = createListener((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (!response.headersSent) answer(response, 500, { error: String(error) });
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    url: `http://127.0.0.1:${port}`,
    tickets,
    pause: stop,
    resume: () => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve)),
    close: stop,
  };
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
