/** Halo's API as a few calls: signed in, budgeted, checked. A refused token is renewed once. */
import type { Readable } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import type { ConnectorContext, OpenedAttachment } from '#connectors/contract/helpdesk.ts';
import type { HttpReply } from '#connectors/contract/http.ts';
import { parseJson } from '#connectors/kit/json.ts';
import { errorOf } from './errors.ts';
import type { Tokens } from './token.ts';
import { decode } from './wire.ts';
import type { Schema } from './wire.ts';

export type Call = {
  /** For people, in errors: `Adding a note to ticket 12`. */
  readonly what: string;
  readonly link: string | null;
  readonly signal: AbortSignal;
};

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export type HaloClient = {
  readonly baseUrl: string;
  get<T>(path: string, query: Query, schema: Schema<T>, call: Call): Promise<T>;
  /** Halo's collections take arrays; one element goes, and comes back. */
  post<T>(path: string, element: unknown, schema: Schema<T>, call: Call): Promise<T>;
  /** A body made anew for each try; its length in bytes where it is known. */
  upload<T>(path: string, body: () => Readable, length: number | null, schema: Schema<T>, call: Call): Promise<T>;
  download(path: string, call: Call): Promise<OpenedAttachment>;
};

const transferTimeoutMs = 3_600_000;

export function createClient(context: ConnectorContext, tokens: Tokens): HaloClient {
  const baseUrl = context.url.replace(/\/{1,50}$/, '');

  async function signedIn<R extends { readonly status: number }>(
    call: Call,
    send: (headers: Record<string, string>) => Promise<R>,
    discard: (reply: R) => void = () => undefined,
  ): Promise<R> {
    for (let attempt = 1; ; attempt++) {
      const token = await tokens.get(call.signal);
      await context.take(call.link, call.signal);
      const reply = await send({ authorization: `Bearer ${token}`, accept: 'application/json' });
      if (reply.status !== 401) return reply;
      tokens.refused(token);
      if (attempt === 2) return reply;
      discard(reply);
    }
  }

  function read<T>(reply: HttpReply, write: boolean, schema: Schema<T>, call: Call, aboutTicket: boolean): T {
    const options = { what: call.what, write, aboutTicket };
    if (reply.status < 200 || reply.status >= 300) throw errorOf(reply, options);
    const body = parseJson(reply, options);
    return decode(schema, write && Array.isArray(body) ? body[0] : body, options);
  }

  return {
    baseUrl,
    async get(path, query, schema, call) {
      const url = urlOf(baseUrl, path, query);
      const reply = await signedIn(call, (headers) =>
        context.http.request({ method: 'GET', url, headers, signal: call.signal }),
      );
      return read(reply, false, schema, call, namesTicket(path));
    },
    async post(path, element, schema, call) {
      const url = urlOf(baseUrl, path, {});
      const body = JSON.stringify([element]);
      const reply = await signedIn(call, (headers) =>
        context.http.request({
          method: 'POST',
          url,
          headers: { ...headers, 'content-type': 'application/json' },
          body,
          signal: call.signal,
        }),
      );
      return read(reply, true, schema, call, namesTicket(path) || hasId(element));
    },
    async upload(path, body, length, schema, call) {
      const url = urlOf(baseUrl, path, {});
      const size: Record<string, string> = length === null ? {} : { 'content-length': String(length) };
      const reply = await signedIn(call, (headers) =>
        context.http.request({
          method: 'POST',
          url,
          headers: { ...headers, 'content-type': 'application/json', ...size },
          body: body(),
          signal: call.signal,
          timeoutMs: transferTimeoutMs,
        }),
      );
      return read(reply, true, schema, call, true);
    },
    async download(path, call) {
      const url = urlOf(baseUrl, path, {});
      const reply = await signedIn(
        call,
        (headers) =>
          context.http.stream({
            method: 'GET',
            url,
            headers: { ...headers, accept: '*/*' },
            signal: call.signal,
            timeoutMs: transferTimeoutMs,
          }),
        ({ stream }) => stream.destroy(),
      );
      if (reply.status < 200 || reply.status >= 300) {
        const text = await readAll(reply.stream);
        const about = { what: call.what, write: false, aboutTicket: true };
        throw errorOf({ ...reply, text: text.slice(0, 10_000) }, about);
      }
      const length = reply.headers['content-length'];
      return {
        stream: reply.stream,
        sizeBytes: length === undefined ? null : Number(length),
        type: reply.headers['content-type'] ?? null,
      };
    },
  };
}

function namesTicket(path: string): boolean {
  return /^(Tickets\/|Actions|Attachment)/.test(path);
}

function hasId(element: unknown): boolean {
  return typeof element === 'object' && element !== null && 'id' in element;
}

function urlOf(baseUrl: string, path: string, query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) params.set(name, String(value));
  }
  const text = params.toString();
  return `${baseUrl}/api/${path}${text === '' ? '' : `?${text}`}`;
}
