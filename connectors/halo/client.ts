/** Halo's API as a few calls: signed in, budgeted, checked. A refused token is renewed once. */
import type { Readable } from 'node:stream';
import type { ConnectorContext, OpenedAttachment } from '#connectors/contract/helpdesk.ts';
import type { HttpReply } from '#connectors/contract/http.ts';
import { parseJson } from '#connectors/kit/json.ts';
import { baseOf } from './address.ts';
import type { Call, Query, WriteCall } from './call.ts';
import { followed, linkOrFile, openedFrom, transferTimeoutMs } from './download.ts';
import type { Listed } from './download.ts';
import { errorOf, requestLimitOf } from './errors.ts';
import { createNotices } from './notices.ts';
import { readRows } from './rows.ts';
import type { Rows } from './rows.ts';
import type { Tokens } from './token.ts';
import type { Ways } from './ways.ts';
import { decode } from './wire.ts';
import type { Schema } from './wire.ts';

export type { Query } from './call.ts';

/** A list of Halo's: `key` is the property that usually holds its rows. */
export type List<T> = {
  readonly path: string;
  readonly key: string;
  readonly query: Query;
  readonly row: Schema<T>;
  /** Without a row of it nothing works. */
  readonly isNeeded?: boolean;
};

/** Makes a new body for each try; with its length in bytes, if known. */
export type Body = { readonly type: string; readonly length: number | null; open(): Readable };

export type HaloClient = {
  readonly baseUrl: string;
  readonly ways: Ways;
  get<T>(path: string, query: Query, schema: Schema<T>, call: Call): Promise<T>;
  list<T>(list: List<T>, call: Call): Promise<Rows<T>>;
  /** Halo's collections take arrays; one element goes, and comes back. */
  post<T>(path: string, element: unknown, schema: Schema<T>, call: WriteCall): Promise<T>;
  remove(path: string, query: Query, call: WriteCall): Promise<void>;
  upload<T>(path: string, query: Query, body: Body, schema: Schema<T>, call: WriteCall): Promise<T>;
  /** `listed` is asked only where the bytes might also be an address, or some page. */
  download(path: string, listed: () => Promise<Listed | null>, call: Call): Promise<OpenedAttachment>;
  /** Reports a list that counts more rows than it returns. */
  incomplete(what: string): void;
  /** A row was left out, since it is none of what was asked for; `where` it says so. */
  dropped(what: string, where: string): void;
  /** An address that needs no login, such as that of a picture. */
  open(url: string, call: Call): Promise<OpenedAttachment>;
};

export function createClient(context: ConnectorContext, tokens: Tokens, ways: Ways): HaloClient {
  const baseUrl = baseOf(context.url);
  const notices = createNotices(context);

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
      // Some Halos answer 401 for a scope that is missing: another token would change nothing then.
      if (!tokens.refused(token) || attempt === 2) return reply;
      discard(reply);
    }
  }

  async function fetched(path: string, query: Query, call: Call): Promise<unknown> {
    const url = urlOf(baseUrl, path, query);
    const reply = await signedIn(call, (headers) =>
      context.http.request({ method: 'GET', url, headers, signal: call.signal }),
    );
    return bodyOf(reply, false, call, namesTicket(path, query));
  }

  function bodyOf(reply: HttpReply, write: boolean, call: Call, aboutTicket: boolean): unknown {
    const options = { what: call.what, write, aboutTicket };
    if (reply.status < 200 || reply.status >= 300) {
      const requestLimit = requestLimitOf(reply);
      if (requestLimit !== null) context.learn?.({ requestLimit });
      throw errorOf(reply, options);
    }
    const body = parseJson(reply, options);
    return write && Array.isArray(body) ? body[0] : body;
  }

  return {
    baseUrl,
    ways,
    async get(path, query, schema, call) {
      return decode(schema, await fetched(path, query, call), { what: call.what, write: false });
    },
    async list({ path, key, query, row, isNeeded }, call) {
      const body = await fetched(path, query, call);
      const dropped = (where: string): void => notices.dropped(call.what, where);
      return readRows(body, key, row, { what: call.what, write: false }, dropped, isNeeded);
    },
    async post(path, element, schema, call) {
      const url = urlOf(baseUrl, path, {});
      const body = JSON.stringify([element]);
      const reply = await signedIn(call, (headers) =>
        context.http.request({
          method: 'POST',
          url,
          notAfter: call.notAfter,
          headers: { ...headers, 'content-type': 'application/json' },
          body,
          signal: call.signal,
        }),
      );
      return decode(schema, bodyOf(reply, true, call, namesTicket(path, {}) || hasId(element)), {
        what: call.what,
        write: true,
      });
    },
    async remove(path, query, call) {
      const url = urlOf(baseUrl, path, query);
      const reply = await signedIn(call, (headers) =>
        context.http.request({ method: 'DELETE', url, headers, signal: call.signal, notAfter: call.notAfter }),
      );
      if (reply.status >= 200 && reply.status < 300) return;
      throw errorOf(reply, { what: call.what, write: true, aboutTicket: true });
    },
    async upload(path, query, body, schema, call) {
      const url = urlOf(baseUrl, path, query);
      const size: Record<string, string> = body.length === null ? {} : { 'content-length': String(body.length) };
      const reply = await signedIn(call, (headers) =>
        context.http.request({
          method: 'POST',
          url,
          notAfter: call.notAfter,
          headers: { ...headers, 'content-type': body.type, ...size },
          body: body.open(),
          signal: call.signal,
          timeoutMs: transferTimeoutMs,
        }),
      );
      return decode(schema, bodyOf(reply, true, call, true), { what: call.what, write: true });
    },
    async download(path, listed, call) {
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
      if (reply.status < 200 || reply.status >= 300) return openedFrom(reply, call.what);
      const found = await linkOrFile(reply, call.what, listed);
      return 'file' in found ? openedFrom(found.file, call.what) : followed(context.http, found.link, baseUrl, call);
    },
    incomplete: (what) => notices.incomplete(what),
    dropped: (what, where) => notices.dropped(what, where),
    open: (url, call) => followed(context.http, url, baseUrl, call),
  };
}

function namesTicket(path: string, query: Query): boolean {
  return /^(Tickets\/|Attachment\/)/.test(path) || (/^(Actions|Attachment)/.test(path) && !('pageinate' in query));
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
