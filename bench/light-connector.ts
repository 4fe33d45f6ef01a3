/**
 * The connector to the lightest desk. It has the same contract as the real ones, so that the courier sees no
 * difference, and reads replies as they do: a success status alone does not prove success.
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { type ConnectorContext, type Helpdesk, type Traits } from '#connectors/contract/helpdesk.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { HttpMethod, HttpReply } from '#connectors/contract/http.ts';
import { parseJson, unexpectedShape } from '#connectors/kit/json.ts';
import { pauseOf } from '#core/words/retry.ts';
import type { ObservedAction, Step } from '#core/words/desk.ts';
import type { Attachment, Catalogue, Command, FieldValue } from '#core/words/vocabulary.ts';
import type { DeskAction } from '#twins/light/server.ts';

type Page = {
  tickets: string[];
  cursor: number;
  more: boolean;
  end: number;
  /** Absent if the desk does not report it. */
  newest?: string | null;
  near?: string[];
};
type Ticket = {
  id: string;
  summary: string;
  description: string;
  status: string;
  closed: boolean;
  fields: Record<string, FieldValue>;
  actions: DeskAction[];
};

export const lightCatalogue: Catalogue = {
  statuses: [
    { name: 'open', closed: false },
    { name: 'waiting', closed: false },
    { name: 'closed', closed: true },
  ],
  categories: [],
  types: [],
  priorities: [],
  fields: [{ name: 'Ref', type: 'text' }],
  kinds: [
    { name: 'Note', hidden: false, mails: false, sends: 'none', status: null },
    { name: 'Escalate', hidden: true, mails: false, sends: 'none', status: null },
    { name: 'Private', hidden: true, mails: false, sends: 'none', status: null },
  ],
  accounts: ['Customers', 'Supplier'],
  teams: [],
};

export function createLightHelpdesk(context: ConnectorContext): Helpdesk {
  const traits: Traits = {
    ids: 'count',
    overlapMs: 2_000,
    settleMs: Number(context.options['settleMs'] ?? 1_000),
    writeTimeoutMs: Number(context.options['writeTimeoutMs'] ?? 10_000),
    concurrency: Number(context.options['concurrency'] ?? 16),
    serializeCreates: false,
    noteMaxBytes: 262_144,
    rate: null,
  };
  const get = { method: 'GET' } as const;
  /** `has`: the property that the top level of a reply must have. */
  const call = async (
    how: HttpMethod,
    path: string,
    body: unknown,
    signal: AbortSignal,
    has: readonly string[] = [],
  ): Promise<unknown> => {
    const { method } = how;
    const write = method === 'POST';
    const reply = await context.http.request({
      ...how,
      url: `${context.url}${path}`,
      signal,
      ...(body === null ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (reply.status >= 400) throw refusal(reply, write);
    const json = parseJson(reply, { write, what: `${method} ${path}` }) as Record<string, unknown> | null;
    const missing = has.find((name) => json?.[name] === undefined);
    if (missing !== undefined) throw unexpectedShape({ write, what: `${method} ${path}` }, missing);
    return json;
  };
  /** Which of our own entries carry a marker: all; only notes, whose status is then recorded separately; or none. */
  const marks = context.options['marks'] ?? 'all';
  const splits = context.options['splits'] === true || marks === 'notes';
  const keepsMarkers = context.options['keepsMarkers'] !== false && marks !== 'none';
  const isMarked = ({ note }: Command): boolean => marks === 'all' || (marks === 'notes' && note !== null);
  const helpdesk: Helpdesk = {
    traits,
    ping: async (signal) => void (await call(get, '/ping', null, signal)),
    ...(context.options['tellsIdentity'] === true
      ? {
          identity: async (signal: AbortSignal) =>
            ((await call(get, '/identity', null, signal)) as { identity: string | null }).identity,
        }
      : {}),
    catalogue: () => Promise.resolve(lightCatalogue),
    feedStart: async (signal) => String(((await call(get, '/feed?limit=0', null, signal, ['end'])) as Page).end),
    async feed(cursor, limit, signal) {
      const page = (await call(get, `/feed?after=${cursor}&limit=${limit}`, null, signal, [
        'tickets',
        'cursor',
      ])) as Page;
      if (page.end !== undefined && page.end < Number(cursor))
        return { tickets: [], cursor, more: false, wentBack: true };
      return { tickets: page.tickets, cursor: String(page.cursor), more: page.more };
    },
    async goLive(signal) {
      const { end, newest, near } = (await call(get, '/feed?limit=0', null, signal, ['end'])) as Page;
      return { cursor: String(end), near: near ?? [], ...(newest === undefined ? {} : { newest }) };
    },
    // The desk cannot find changes by time, so the feed returns all of them.
    feedFrom: () => Promise.resolve('0'),
    async read(ticketId, since, signal, after) {
      const from = after ?? since;
      const query = from === null ? '' : `?${after === undefined ? 'since' : 'after'}=${encodeURIComponent(from)}`;
      let ticket: Ticket;
      try {
        ticket = (await call(get, `/tickets/${ticketId}${query}`, null, signal, ['id', 'actions'])) as Ticket;
      } catch (error) {
        if (error instanceof HelpdeskError && error.class === 'gone') return { kind: 'gone' };
        throw error;
      }
      return {
        kind: 'ticket',
        snapshot: {
          ticketId: ticket.id,
          number: ticket.id,
          url: `${context.url}/tickets/${ticket.id}`,
          summary: ticket.summary,
          description: ticket.description,
          status: ticket.status,
          closed: ticket.closed,
          category: null,
          type: null,
          priority: null,
          fields: ticket.fields,
          account: null,
          requester: null,
        },
        actions: ticket.actions.map(observed),
      };
    },
    isDeleted: async (ticketId, signal) => {
      const said = await call(get, `/deleted/${ticketId}`, null, signal, ['deleted']).catch((error: unknown) => {
        if (error instanceof HelpdeskError && error.class === 'gone') return { deleted: false };
        throw error;
      });
      return (said as { deleted: boolean }).deleted;
    },
    steps(command) {
      if (command.supplierReference !== undefined && command.note === null) {
        return [{ name: 'reference', command, fingerprints: [] }];
      }
      if (command.open !== undefined) return [{ name: 'open', command, fingerprints: [] }];
      const { note, status } = command;
      const files = command.attachments.length;
      const parts =
        splits && note !== null && status !== undefined
          ? [fingerprint(note, undefined, files), fingerprint(null, status, 0)]
          : [fingerprint(note, status, files)];
      return [{ name: 'all', command, fingerprints: parts }];
    },
    async perform(step, { marker, signal, openStaged, notAfter }) {
      const post = { method: 'POST', notAfter } as const;
      const { command } = step;
      if (command.open !== undefined) {
        const made = (await call(post, '/tickets', { ...opening(command), marker, by: 'service' }, signal, ['id'])) as {
          id: string;
        };
        return { ticketId: made.id, actionIds: [], number: made.id, url: `${context.url}/tickets/${made.id}` };
      }
      const ticketId = command.ticketId ?? '';
      if (step.name === 'reference') {
        await call(
          post,
          `/tickets/${ticketId}/reference`,
          { reference: command.supplierReference?.number ?? null, by: 'service' },
          signal,
        );
        return { ticketId, actionIds: [] };
      }
      const made = (await call(
        post,
        `/tickets/${ticketId}/actions`,
        {
          ...acting(command),
          ...(await uploads(command, openStaged)),
          ...(isMarked(command) ? { marker } : {}),
          ...(marks === 'notes' ? { apart: true } : {}),
          by: 'service',
        },
        signal,
        ['id'],
      )) as { id: number | null };
      return { ticketId, actionIds: made.id === null ? [] : [String(made.id)] };
    },
    async find(step: Step, marker, after, signal, others) {
      if (step.name === 'reference') return null;
      if (!(keepsMarkers && isMarked(step.command)) && step.command.open === undefined) {
        const ticketId = step.command.ticketId ?? '';
        const reading = await helpdesk.read(ticketId, after, signal);
        const made = reading.kind === 'ticket' ? madeBy(step, reading.actions, others) : null;
        return made === null ? null : { ticketId, actionIds: made };
      }
      const path = `/find?marker=${encodeURIComponent(marker)}`;
      const found = (await call(get, path, null, signal, ['ticket'])) as {
        ticket: string | null;
        action?: number | null;
      };
      if (found.ticket === null) return null;
      return {
        ticketId: found.ticket,
        actionIds: found.action == null ? [] : [String(found.action)],
        number: found.ticket,
        url: `${context.url}/tickets/${found.ticket}`,
      };
    },
    async openAttachment(_ticket, file, signal) {
      const reply = await context.http.stream({ method: 'GET', url: `${context.url}/files/${file}`, signal });
      if (reply.status === 200 && reply.headers['x-file-id'] === file)
        return { stream: reply.stream, sizeBytes: null, type: reply.headers['content-type'] ?? null };
      reply.stream.destroy();
      if (reply.status === 404) throw new HelpdeskError('gone', 'file-gone', 'There is no such file.');
      throw new HelpdeskError('retry', 'file-unavailable', 'The desk did not return the file.');
    },
  };
  return helpdesk;
}

function refusal(reply: HttpReply, write: boolean): HelpdeskError {
  const said = /^\{"error":"([^"]*)"/.exec(reply.text)?.[1];
  switch (reply.status) {
    case 429:
      return new HelpdeskError('slow-down', 'busy', 'The desk asks us to slow down.', {
        retryAfterMs: pauseOf(reply.headers['retry-after'], Date.now()) ?? 1_000,
      });
    case 403:
      return new HelpdeskError('retry', 'not-permitted', 'The desk does not let us do this.');
    case 404:
      // A proxy that cannot reach the desk must not make every ticket look deleted.
      return said === undefined
        ? new HelpdeskError('retry', 'not-a-desk', 'The answer is not from a desk.')
        : new HelpdeskError('gone', 'gone', 'There is no such ticket.');
    case 503:
      return new HelpdeskError('retry', 'unavailable', 'The desk is not available.');
    default:
      break;
  }
  if (reply.status >= 500)
    return new HelpdeskError(
      write ? 'in-doubt' : 'retry',
      'server-error',
      'The desk failed while it handled the request.',
    );
  return new HelpdeskError('refused', 'refused', said ?? `The desk refused the request with ${reply.status}.`);
}

/**
 * Finds the earliest of our unmarked actions that looks like what the step writes. A note is recognised by its text
 * alone.
 */
function madeBy(
  { command, fingerprints }: Step,
  actions: readonly ObservedAction[],
  others?: ReadonlySet<string>,
): string[] | null {
  const looks = (print: string): string => (command.note === null ? print : print.replace(/\/[^/]*/, ''));
  const ids: string[] = [];
  for (const wanted of fingerprints) {
    const made = actions.find(
      ({ externalId, author, marker, fingerprint: seen }) =>
        author.role === 'service' &&
        marker === undefined &&
        looks(seen) === looks(wanted) &&
        others?.has(externalId) !== true &&
        !ids.includes(externalId),
    );
    if (made === undefined) return null;
    ids.push(made.externalId);
  }
  return ids;
}

async function uploads(
  command: Command,
  openStaged: (attachment: Attachment) => Readable,
): Promise<{ uploads?: readonly { name: string; type: string; base64: string }[] }> {
  if (command.attachments.length === 0) return {};
  const files = [];
  for (const file of command.attachments) {
    const chunks: Buffer[] = [];
    for await (const chunk of openStaged(file)) chunks.push(chunk as Buffer);
    files.push({
      name: file.name,
      type: file.type ?? 'application/octet-stream',
      base64: Buffer.concat(chunks).toString('base64'),
    });
  }
  return { uploads: files };
}

function observed(action: DeskAction): ObservedAction {
  return {
    externalId: String(action.id),
    at: action.at,
    author: { name: action.author, role: action.by },
    ...(action.marker === undefined ? {} : { marker: action.marker }),
    fingerprint: fingerprint(action.note, action.status, action.files?.length ?? 0),
    visibility: action.visible ? 'visible' : 'hidden',
    note: action.note,
    words: {
      kind: action.kind,
      ...(action.status === undefined ? {} : { status: action.status }),
      fields: (action.fields ?? {}) as Record<string, FieldValue>,
    },
    attachments: (action.files ?? []).map((file) => ({ ...file, inline: false, sha256: null })),
  };
}

function opening(command: Command): Record<string, unknown> {
  return {
    summary: command.open?.summary,
    description: command.note ?? '',
    fields: command.fields,
    ...(command.status === undefined ? {} : { status: command.status }),
  };
}

function acting(command: Command): Record<string, unknown> {
  return {
    kind: command.kind ?? 'Note',
    note: command.note,
    visible: command.visibility === 'visible',
    author: command.author.display,
    fields: command.fields,
    ...(command.status === undefined ? {} : { status: command.status }),
  };
}

function fingerprint(note: string | null, status: string | undefined, files: number): string {
  const text = (note ?? '').replace(/<[^>]*>/g, '').replace(/\s+/g, '');
  return `${createHash('sha256').update(text).digest('hex')}/${status ?? ''}${files === 0 ? '' : `/${files}`}`;
}

/** Reads the ticket's id from a webhook's body. */
export function lightHint(body: unknown): readonly string[] {
  return typeof body === 'object' && body !== null && 'ticket' in body ? [String(body.ticket)] : [];
}
