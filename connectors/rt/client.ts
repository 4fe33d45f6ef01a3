/** Requests to RT's REST2: the budget taken, the token sent, the answer checked and parsed. */
import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { ConnectorContext } from '#connectors/contract/helpdesk.ts';
import type { HttpCall, HttpMethod, HttpReply } from '#connectors/contract/http.ts';
import type { NotAfter } from '#connectors/contract/not-after.ts';
import { parseJson, unexpectedShape } from '#connectors/kit/json.ts';
import { replyError } from './errors.ts';
import type { Purpose } from './errors.ts';
import { pageOf } from './wire.ts';
import type { Schema } from './wire.ts';

/** One condition of REST2's JSON searches. Conditions on the same field are alternatives, others add up. */
export type Filter = {
  readonly field: string;
  readonly operator?: string;
  readonly value: string | number;
};

export type Answer<T> = { readonly value: T; readonly headers: HttpReply['headers'] };

export type RtClient = {
  /** The address of RT's pages, without a slash at the end. */
  readonly base: string;
  get<T>(path: string, schema: Schema<T>, purpose: Purpose, signal: AbortSignal): Promise<Answer<T>>;
  /** One page of a collection, up to 100 rows in order of id. */
  search<T>(
    path: string,
    filters: readonly Filter[],
    item: Schema<T>,
    purpose: Purpose,
    signal: AbortSignal,
  ): Promise<readonly T[]>;
  write<T>(
    request: Pick<HttpCall, 'body' | 'headers' | 'timeoutMs'> & {
      readonly method: 'POST' | 'PUT';
      readonly path: string;
      readonly notAfter: NotAfter;
      readonly link: string;
    },
    schema: Schema<T>,
    purpose: Purpose,
    signal: AbortSignal,
  ): Promise<Answer<T>>;
  stream(path: string, purpose: Purpose, signal: AbortSignal): ReturnType<ConnectorContext['http']['stream']>;
};

/** Bodies of messages arrive many at once. */
const maxPageBytes = 64 * 1024 * 1024;
const maxAnswerBytes = 1024 * 1024;

export function createRtClient(context: ConnectorContext, token: string): RtClient {
  const base = context.url.replace(/\/{1,50}(?:REST\/2\.0\/{0,50})?$/, '');
  const rest = `${base}/REST/2.0`;
  const headers = {
    authorization: `token ${token}`,
    accept: 'application/json',
    // RT's sentences are read, so they must not be in the service user's or the server's language.
    'accept-language': 'en',
  };

  async function send(
    request: Omit<HttpCall, 'url' | 'signal'> & HttpMethod & { readonly path: string },
    link: string | null,
    purpose: Purpose,
    signal: AbortSignal,
  ): Promise<HttpReply> {
    await context.take(link, signal);
    const { path, ...rest2 } = request;
    const reply = await context.http.request({
      ...rest2,
      url: rest + path,
      headers: { ...headers, ...request.headers },
      signal,
    });
    if (reply.status >= 300) throw replyError(reply, purpose);
    return reply;
  }

  function parsed<T>(reply: HttpReply, schema: Schema<T>, purpose: Purpose): T {
    const options = { write: purpose.write, what: `RT, asked to ${purpose.what}` };
    const result = schema.safeParse(parseJson(reply, options));
    if (result.success) return result.data;
    throw unexpectedShape(options, result.error.issues[0]?.path.join('.') ?? '');
  }

  return {
    base,
    async get(path, schema, purpose, signal) {
      const reply = await send({ method: 'GET', path }, null, purpose, signal);
      return { value: parsed(reply, schema, purpose), headers: reply.headers };
    },
    async search(path, filters, item, purpose, signal) {
      // REST2 takes long searches as POST. They change nothing, so a lost reply is no doubt.
      const reply = await asRead(
        send(
          {
            method: 'POST',
            notAfter: null,
            path,
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(filters),
            maxBytes: maxPageBytes,
          },
          null,
          purpose,
          signal,
        ),
        purpose,
      );
      return parsed(reply, pageOf(item), purpose).items;
    },
    async write(request, schema, purpose, signal) {
      const { link, path, ...rest2 } = request;
      await context.take(link, signal);
      const {
        status,
        headers: told,
        stream,
      } = await context.http.stream({
        ...rest2,
        url: rest + path,
        headers: { ...headers, ...request.headers },
        maxBytes: maxAnswerBytes,
        signal,
      });
      const reply = { status, headers: told, text: lenient(await buffer(stream)) };
      if (status >= 300) throw replyError(reply, purpose);
      return { value: parsed(reply, schema, purpose), headers: told };
    },
    async stream(path, purpose, signal) {
      await context.take(null, signal);
      const reply = await context.http.stream({ method: 'GET', url: rest + path, headers, signal });
      if (reply.status < 300) return reply;
      const text = await beginning(reply.stream);
      throw replyError({ status: reply.status, headers: reply.headers, text }, purpose);
    },
  };
}

/** RT 5.0 answers a note with sentences in Latin-1 when they need no more than that, although it says UTF-8. */
function lenient(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString('utf8') : bytes.toString('latin1');
}

/** Enough of an error's body for its words. */
async function beginning(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > 16 * 1024) break;
  }
  return lenient(Buffer.concat(chunks));
}

async function asRead<T>(request: Promise<T>, purpose: Purpose): Promise<T> {
  try {
    return await request;
  } catch (error) {
    if (!(error instanceof HelpdeskError) || error.class !== 'in-doubt') throw error;
    throw new HelpdeskError('retry', error.code, `RT did not answer when asked to ${purpose.what} (${error.code}).`, {
      cause: error.cause,
    });
  }
}

/** Query string from what is not undefined. */
export function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(values).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
  return given.length === 0 ? '' : `?${given.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&')}`;
}

/** A value inside single quotes of TicketSQL; a backslash or a quote would end it. */
export function sqlQuoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
