/**
 * Calls a peer gateway's supplier and customer API. All its requests are idempotent, so a lost answer is `retry`, never in doubt. A
 * 2xx counts only if its body matches exactly what was sent.
 */
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { HttpClient, HttpMethod, HttpReply } from '#connectors/contract/http.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { NotAfter } from '#connectors/contract/not-after.ts';
import { parseJson } from '#connectors/kit/json.ts';
import type { Catalogue, SideName } from '#core/words/vocabulary.ts';
import {
  wireAnswer,
  wireErased,
  wireLink,
  wireStanding,
  type WireAction,
  type WireAnswer,
  type WireErase,
  type WireErased,
  type WireLink,
  type WireReceipt,
  type WireStanding,
} from '#core/wire.ts';
import { refusalOf } from './refusal.ts';
import { clockDiffers } from './token-failure.ts';
import type { TokenSource } from './tokens.ts';
import { peerCatalogue, peerInstance, peerLanes, peerMirror } from './wire.ts';
import type { PeerInstance, PeerLanes, PeerMirror } from './wire.ts';

/** The calls. `at` is the peer's side of the link, whose endpoints they use. All throw HelpdeskError. */
export type PeerClient = {
  /** Succeeds if the peer is up and knows us. */
  ping(signal: AbortSignal): Promise<void>;
  instance(signal: AbortSignal): Promise<PeerInstance>;
  link(signal: AbortSignal): Promise<WireLink>;
  catalogue(signal: AbortSignal): Promise<Catalogue>;
  /** Asks the supplier to open a ticket. */
  escalate(action: WireAction, within: Within): Promise<WireAnswer>;
  actions(at: SideName, mirror: string, actions: readonly WireAction[], within: Within): Promise<WireAnswer>;
  receipts(at: SideName, mirror: string, receipts: readonly WireReceipt[], within: Within): Promise<WireAnswer>;
  /** Returns the state of an action there; null if the peer does not know it. */
  standing(at: SideName, mirror: string, action: NamedAction, signal: AbortSignal): Promise<WireStanding | null>;
  /** Returns null if the peer does not know it. */
  mirror(at: SideName, mirror: string, signal: AbortSignal): Promise<PeerMirror | null>;
  /** Returns the highest accepted seq of each lane to that side, page by page. */
  lanes(at: SideName, after: string | null, signal: AbortSignal): Promise<PeerLanes>;
  /** Asks it to erase actions, or for the state of that request; null if its version does not support this. */
  erase(asked: WireErase, signal: AbortSignal): Promise<WireErased | null>;
  hasFile(sha256: string, signal: AbortSignal): Promise<boolean>;
  /** Sends a file. @param open called once per try */
  putFile(file: FileToPut, open: () => Readable, signal: AbortSignal): Promise<void>;
};

/** An action by its id and its origin, because ids are each origin's own. An older gateway ignores the origin. */
export type NamedAction = { readonly id: string; readonly origin: string };

/** The deadline of a hand-over, and the signal that ends it. */
export type Within = { readonly signal: AbortSignal; readonly notAfter: NotAfter };

export type FileToPut = { readonly sha256: string; readonly sizeBytes: number; readonly type: string | null };

export type PeerClientContext = {
  /** Base URL of its API, without a trailing slash. */
  readonly api: string;
  /** Issuer of its instance. */
  readonly issuer: string;
  readonly tokens: TokenSource;
  readonly http: HttpClient;
  /** The client for files, whose failures say nothing about other requests. Default: `http`. */
  readonly files?: HttpClient;
};

/** Time limits: a batch is stored in one transaction; a file also gets the time that it needs at this many bytes per millisecond. */
const timeoutMs = 30_000;
const bytesPerMs = 125;
const maxBytes = 4 * 1024 * 1024;

type PeerRequest = HttpMethod & {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: () => string | Readable;
  readonly timeoutMs?: number;
};

export function createPeerClient({ api, issuer, tokens, http, files = http }: PeerClientContext): PeerClient {
  type Answered = { readonly reply: HttpReply; readonly isExplained: (date: string | undefined) => boolean };
  const once = async (asked: PeerRequest, signal: AbortSignal): Promise<Answered> => {
    const through = asked.path.startsWith('/v1/attachments/') ? files : http;
    const url = `${api}${asked.path}`;
    const authorization = await tokens.authorization(asked.method, url).catch((error: unknown) => {
      throw otherwise(error, 'auth');
    });
    const body = asked.body?.();
    const isExplained = tokens.dating();
    try {
      const reply = await through.request({
        ...methodOf(asked),
        url,
        headers: { accept: 'application/json', ...asked.headers, ...authorization },
        ...(body === undefined ? {} : { body }),
        signal,
        timeoutMs: asked.timeoutMs ?? timeoutMs,
        maxBytes,
      });
      return { reply, isExplained };
    } catch (error) {
      throw otherwise(error, 'retry');
    }
  };
  const ask = async (asked: PeerRequest, signal: AbortSignal): Promise<HttpReply> => {
    const first = await once(asked, signal);
    if (first.reply.status !== 401) return first.reply;
    // The token was revoked or rotated, or the clocks differ: try a new token, and date its proof by the peer's clock.
    first.isExplained(first.reply.headers['date']);
    tokens.forget();
    const { reply, isExplained } = await once(asked, signal);
    if (reply.status === 401 && isExplained(reply.headers['date'])) throw clockDiffers(issuer, 0);
    return reply;
  };
  const read = async <Schema extends z.ZodType>(
    schema: Schema,
    asked: PeerRequest,
    signal: AbortSignal,
  ): Promise<z.output<Schema>> => {
    const reply = await ask(asked, signal);
    if (reply.status !== 200) throw refusalOf(reply, issuer);
    return decode(schema, reply, issuer);
  };
  const readOrNull = <Schema extends z.ZodType>(
    schema: Schema,
    path: string,
    signal: AbortSignal,
  ): Promise<z.output<Schema> | null> =>
    read(schema, { method: 'GET', path }, signal).catch((error: unknown) => {
      if (error instanceof HelpdeskError && error.class === 'gone') return null;
      throw error;
    });
  const post = (path: string, body: object, notAfter: NotAfter | null): PeerRequest => ({
    method: 'POST',
    notAfter,
    path,
    headers: { 'content-type': 'application/json' },
    body: () => JSON.stringify(body),
  });
  const ticket = (at: SideName, mirror: string): string => `/v1/${at}/tickets/${encodeURIComponent(mirror)}`;

  return {
    ping: async (signal) => void (await read(wireLink, { method: 'GET', path: '/v1/link' }, signal)),
    instance: (signal) => read(peerInstance, { method: 'GET', path: '/v1/instance' }, signal),
    link: (signal) => read(wireLink, { method: 'GET', path: '/v1/link' }, signal),
    catalogue: (signal) => read(peerCatalogue, { method: 'GET', path: '/v1/catalogue' }, signal),
    async escalate(action, { signal, notAfter }) {
      const reply = await ask(post('/v1/supplier/tickets', { action }, notAfter), signal);
      const sent = [{ id: action.constant.id, seq: action.seq }];
      if (reply.status === 409) return { results: [refusedAs(reply, issuer, sent[0])], accepted: 0 };
      if (reply.status !== 200 && reply.status !== 201) throw refusalOf(reply, issuer);
      return answerTo(sent, decode(wireAnswer, reply, issuer), issuer);
    },
    async actions(at, mirror, actions, { signal, notAfter }) {
      const answer = await read(wireAnswer, post(`${ticket(at, mirror)}/actions`, { actions }, notAfter), signal);
      return answerTo(
        actions.map(({ constant, seq }) => ({ id: constant.id, seq })),
        answer,
        issuer,
      );
    },
    async receipts(at, mirror, receipts, { signal, notAfter }) {
      const answer = await read(wireAnswer, post(`${ticket(at, mirror)}/receipts`, { receipts }, notAfter), signal);
      return answerTo(
        receipts.map(({ action, seq }) => ({ id: action, seq })),
        answer,
        issuer,
      );
    },
    standing: (at, mirror, action, signal) =>
      readOrNull(
        wireStanding,
        `${ticket(at, mirror)}/actions/${encodeURIComponent(action.id)}?origin=${encodeURIComponent(action.origin)}`,
        signal,
      ),
    mirror: (at, mirror, signal) => readOrNull(peerMirror, ticket(at, mirror), signal),
    lanes: (at, after, signal) =>
      read(
        peerLanes,
        { method: 'GET', path: `/v1/${at}/lanes${after === null ? '' : `?after=${encodeURIComponent(after)}`}` },
        signal,
      ),
    async erase(asked, signal) {
      try {
        const answer = await read(wireErased, post('/v1/link/erasures', asked, null), signal);
        if (answer.id !== asked.id) throw badAnswer(issuer, 'about a different erasure');
        return answer;
      } catch (error) {
        // A gateway without this endpoint answers not-found.
        if (error instanceof HelpdeskError && error.class === 'gone') return null;
        throw error;
      }
    },
    async hasFile(sha256, signal) {
      const reply = await ask({ method: 'HEAD', path: `/v1/attachments/${sha256}` }, signal);
      if (reply.status === 200 || reply.status === 204) return true;
      if (reply.status === 404) return false;
      throw refusalOf(reply, issuer);
    },
    async putFile({ sha256, sizeBytes, type }, open, signal) {
      const reply = await ask(
        {
          method: 'PUT',
          // Its digest identifies it.
          notAfter: null,
          path: `/v1/attachments/${sha256}`,
          headers: {
            'content-type': type !== null && /^[\w.+-]+\/[\w.+-]+$/.test(type) ? type : 'application/octet-stream',
            'content-length': String(sizeBytes),
            'content-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
          },
          body: open,
          timeoutMs: timeoutMs + sizeBytes / bytesPerMs,
        },
        signal,
      );
      if (reply.status < 200 || reply.status >= 300) throw refusalOf(reply, issuer);
    },
  };
}

function methodOf(asked: HttpMethod): HttpMethod {
  return 'notAfter' in asked ? { method: asked.method, notAfter: asked.notAfter } : { method: asked.method };
}

/** Converts a failed transfer to `retry`: the peer refused nothing, and the ids make a repetition safe. */
function otherwise(error: unknown, as: 'auth' | 'retry'): unknown {
  if (!(error instanceof HelpdeskError)) return error;
  if (error.class === 'in-doubt') return new HelpdeskError('retry', error.code, error.message, { cause: error });
  if (error.class !== 'refused' && error.class !== 'gone') return error;
  return new HelpdeskError(as, error.code, error.message, { cause: error });
}

type Sent = { readonly id: string; readonly seq: number };

/** Checks that there is one result per item, in order; fewer only after the first deferred one. */
function answerTo(sent: readonly Sent[], answer: WireAnswer, issuer: string): WireAnswer {
  const { results } = answer;
  const fits = results.every(({ id, seq, status }, place) => {
    const own = sent[place];
    return own?.id === id && own.seq === seq && (status !== 'deferred' || place === results.length - 1);
  });
  const whole = results.length === sent.length || results.at(-1)?.status === 'deferred';
  if (fits && whole && results.length > 0 && results.length <= sent.length) return answer;
  throw badAnswer(issuer, 'with results for different items');
}

function refusedAs(reply: HttpReply, issuer: string, sent: Sent | undefined): WireAnswer['results'][number] {
  const { code, message } = refusalOf(reply, issuer);
  return { id: sent?.id ?? '', seq: sent?.seq ?? 1, status: 'refused', reason: { code, text: message } };
}

function decode<Schema extends z.ZodType>(schema: Schema, reply: HttpReply, issuer: string): z.output<Schema> {
  let json: unknown;
  try {
    json = parseJson(reply, { what: issuer, write: false });
  } catch {
    throw badAnswer(issuer, 'with something other than JSON, as a proxy or a portal does');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join('.') ?? '';
  throw badAnswer(issuer, `with JSON of an unexpected shape${where === '' ? '' : ` (at ${where})`}`);
}

function badAnswer(issuer: string, what: string): HelpdeskError {
  return new HelpdeskError('retry', 'bad-answer', `${issuer} answered ${what}. It counts as no answer.`);
}
