/**
 * The API of one of the bench's desks: that of the light desk, over real HTTP, with every vice that a desk may have.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { chance as chanceOf } from '#faults/chance.ts';
import { createListener } from '#listener/listener.ts';
import {
  createRecords,
  stateOf,
  type Clock,
  type FaultAction,
  type FaultTicket,
  type NewAction,
  type Records,
  type StoredFile,
} from './records.ts';
import { noVices, strikes, type Mishap, type Vices } from './vices.ts';

export type DeskTraits = {
  readonly keepsMarkers: boolean;
  /** True if the answer to a write names what the write created. */
  readonly namesIds: boolean;
  /** A note's status is recorded as a separate action after this many milliseconds; null: together with the note. */
  readonly splitMs: number | null;
  readonly wholeSeconds: boolean;
};

export const plainTraits: DeskTraits = { keepsMarkers: true, namesIds: true, splitMs: null, wholeSeconds: false };

export type FaultDesk = {
  readonly id: string;
  readonly url: string;
  readonly traits: DeskTraits;
  readonly clock: Clock;
  readonly vices: Vices;
  readonly records: Records;
  /** The number of requests so far. */
  requests(): number;
  /** Called with each request before it is handled, for directed cases. */
  onRequest: ((method: string, path: string) => void | Promise<void>) | null;
  /** Called with each ticket that has changed, as a webhook would be. */
  onChange: ((ticket: string) => void) | null;
  /** Cuts connections and refuses new ones until `resume`, which uses the same address. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Cuts off every hanging request, as a restart of the server would. */
  cutOff(): void;
  close(): Promise<void>;
};

export type DeskOptions = {
  readonly id: string;
  readonly seed: number;
  readonly traits?: Partial<DeskTraits>;
  readonly clock?: Partial<Pick<Clock, 'skewMs' | 'lagMs'>>;
};

type Reply = (status: number, body: unknown) => void;

export async function startFaultDesk(options: DeskOptions): Promise<FaultDesk> {
  const { id, seed } = options;
  const traits = { ...plainTraits, ...options.traits };
  const clock: Clock = { skewMs: 0, jumped: false, lagMs: 0, ...options.clock, wholeSeconds: traits.wholeSeconds };
  const vices = noVices();
  const chance = chanceOf(seed, `desk ${id}`);
  let requests = 0;
  let server: Server | null = null;
  let port = 0;
  const records = createRecords({
    name: id,
    clock,
    keepsMarkers: traits.keepsMarkers,
    lateness: chance.next,
    onChange: (ticket) => desk.onChange?.(ticket),
  });

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests += 1;
    const url = new URL(request.url ?? '/', 'http://desk');
    const body = request.method === 'POST' ? await readJson(request) : {};
    await desk.onRequest?.(request.method ?? '', url.pathname);
    response.setHeader('date', new Date(Date.now() + clock.skewMs).toUTCString());
    if (vices.latencyMs > 0) await sleep(vices.latencyMs);
    const mishap = strikes(vices, chance);
    if (mishap === 'slow') await sleep(chance.between(500, 2_500));
    if (mishap !== null && refuse(mishap, vices, response)) return;
    await route(request.method ?? '', url, body, response, (status, value) => reply(response, mishap, status, value));
  };

  const route = async (
    method: string,
    url: URL,
    body: Record<string, unknown>,
    response: ServerResponse,
    answer: Reply,
  ): Promise<void> => {
    const [, kind, key, sub] = url.pathname.split('/');
    const number = (name: string, otherwise: number): number => Number(url.searchParams.get(name) ?? otherwise);
    if (kind === 'ping') return answer(200, { ok: true });
    if (kind === 'feed') return answer(200, page(records, number('after', 0), number('limit', 100)));
    if (kind === 'find') return answer(200, records.byMarker(url.searchParams.get('marker') ?? '') ?? { ticket: null });
    if (kind === 'files') return sendFile(isHidden(key ?? '') ? undefined : records.file(key ?? ''), response, answer);
    if (kind === 'tickets' && method === 'POST' && key === undefined) {
      const ticket = records.open({
        summary: text(body['summary']),
        description: text(body['description']),
        ...(body['status'] === undefined ? {} : { status: text(body['status']) }),
        fields: (body['fields'] as object | undefined) ?? {},
        marker: typeof body['marker'] === 'string' ? body['marker'] : null,
        byService: true,
      });
      return answer(201, { id: ticket.id });
    }
    const ticket = key === undefined ? undefined : records.tickets.get(key);
    if (ticket === undefined || vices.hidden.has(ticket.id)) return answer(404, { error: 'no such ticket' });
    if (sub === 'reference') {
      records.refer(ticket, typeof body['reference'] === 'string' ? body['reference'] : null);
      return answer(200, { ok: true });
    }
    if (sub === 'actions') return answer(201, await write(ticket, body));
    if (vices.poisoned.has(ticket.id)) return answer(500, { error: 'cannot show this ticket' });
    return answer(200, shown(ticket, url.searchParams.get('since')));
  };

  const isHidden = (file: string): boolean =>
    [...vices.hidden].some((id) =>
      records.tickets.get(id)?.actions.some(({ files }) => files.some((one) => one.id === file)),
    );

  const write = async (ticket: FaultTicket, body: Record<string, unknown>): Promise<{ id: number | null }> => {
    const { uploads, status, ...rest } = body as NewAction & { uploads?: Upload[] };
    const splits = traits.splitMs !== null && status !== undefined && rest.note != null;
    const whole: NewAction = { ...rest, files: (uploads ?? []).map(stored) };
    const { id: made } = records.act(ticket, splits || status === undefined ? whole : { ...whole, status });
    if (splits) {
      await sleep(traits.splitMs ?? 0);
      records.act(ticket, {
        ...{ by: 'service', author: rest.author ?? 'Ferry', kind: 'Status', note: null, status },
        visible: rest.visible ?? false,
      });
    }
    return { id: traits.namesIds ? made : null };
  };

  const listen = async (): Promise<void> => {
    const started = createListener((request, response) => {
      handle(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else send(response, 500, { error: String(error) });
      });
    });
    started.keepAliveTimeout = 60_000;
    await new Promise<void>((listening, failed) => {
      started.once('error', failed);
      started.listen(port, '127.0.0.1', listening);
    });
    ({ port } = started.address() as AddressInfo);
    server = started;
  };
  const pause = async (): Promise<void> => {
    const stopping = server;
    server = null;
    if (stopping === null) return;
    stopping.closeAllConnections();
    await new Promise((closed) => stopping.close(closed));
  };

  const desk: FaultDesk = {
    id,
    // Uses a name, so that resolving it can fail.
    get url() {
      return `http://localhost:${port}`;
    },
    traits,
    clock,
    vices,
    records,
    requests: () => requests,
    onRequest: null,
    onChange: null,
    pause,
    async resume() {
      if (server === null) await listen();
    },
    cutOff: () => server?.closeAllConnections(),
    close: pause,
  };
  await listen();
  return desk;
}

/** Answers with an error before any work is done. Returns false if the work is to be done first. */
function refuse(mishap: Mishap, { retryAfter }: Vices, response: ServerResponse): boolean {
  switch (mishap) {
    case 'error':
      send(response, 503, { error: 'try later' });
      return true;
    case 'busy':
      if (retryAfter !== null) response.setHeader('retry-after', retryAfter);
      send(response, 429, { error: 'too many' });
      return true;
    case 'forbidden':
      send(response, 403, { error: 'not permitted' });
      return true;
    case 'portal':
      sendHtml(response, 200);
      return true;
    case 'redirect':
      response.writeHead(302, { location: 'http://127.0.0.1:9/login' }).end();
      return true;
    case 'hang':
      return true;
    default:
      return false;
  }
}

/** Answers after the work is done. Whether the caller receives the answer is another matter. */
function reply(response: ServerResponse, mishap: Mishap | null, status: number, value: unknown): void {
  switch (mishap) {
    case 'lost':
      response.destroy();
      return;
    case 'garbled':
      sendHtml(response, status);
      return;
    case 'empty':
      send(response, 200, {});
      return;
    case 'no-content':
      response.writeHead(204).end();
      return;
    case 'late-error':
      sendHtml(response, 504);
      return;
    case 'cut': {
      const whole = JSON.stringify(value);
      response.writeHead(status, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(whole) + 40,
      });
      response.write(whole.slice(0, whole.length / 2), () => response.destroy());
      return;
    }
    default:
      send(response, status, value);
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function sendHtml(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/html' });
  response.end('<html><title>Sign in</title><p>Please sign in to the portal.</html>');
}

function sendFile(file: StoredFile | undefined, response: ServerResponse, answer: Reply): void {
  if (file === undefined) return answer(404, { error: 'no such file' });
  response.writeHead(200, {
    'content-type': file.type,
    'content-length': file.bytes.length,
    'x-file-id': file.id,
  });
  response.end(file.bytes);
}

/**
 * Returns a page of the feed, like a search by last change: each ticket once, at its last change. A late replica has a
 * late feed.
 */
function page(records: Records, after: number, limit: number): object {
  const now = Date.now();
  const feed = records.feed().filter(({ shownAtMs }) => shownAtMs <= now);
  const part = feed.slice(after, after + limit);
  return {
    tickets: part.map(({ ticket }) => ticket).filter((id, n, all) => all.lastIndexOf(id) === n),
    cursor: after + part.length,
    more: after + part.length < feed.length,
    end: feed.length,
  };
}

function shown(ticket: FaultTicket, since: string | null): object {
  const from = since === null ? Number.NEGATIVE_INFINITY : Date.parse(since);
  const now = Date.now();
  const isShown = (one: FaultAction): boolean => one.shownAtMs <= now;
  const { status, fields } = stateOf(ticket, isShown);
  return {
    id: ticket.id,
    summary: ticket.summary,
    description: ticket.description,
    status,
    closed: status === 'closed',
    fields,
    reference: ticket.reference,
    actions: ticket.actions
      .filter((one) => isShown(one) && Date.parse(one.at) >= from)
      .map(({ doneAtMs: _done, shownAtMs: _shown, files, ...action }) => ({
        ...action,
        files: files.map(({ bytes: _bytes, ...file }) => file),
      })),
  };
}

type Upload = { readonly name: string; readonly type: string; readonly base64: string };

function stored({ name, type, base64 }: Upload): StoredFile {
  return fileOf(randomUUID(), name, Buffer.from(base64, 'base64'), type);
}

export function fileOf(id: string, name: string, bytes: Buffer, type = 'application/octet-stream'): StoredFile {
  return { id, name, type, sizeBytes: bytes.length, bytes };
}

export function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const whole = Buffer.concat(chunks).toString('utf8');
  return whole === '' ? {} : (JSON.parse(whole) as Record<string, unknown>);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
