/**
 * The only HTTP client for helpdesks and peers. It follows no redirects, decodes nothing, limits time and size, and connects only to
 * allowed addresses (guard.ts). Every failure is a HelpdeskError (exchange.ts); messages never contain a query, a header or a body.
 */
import { Readable, Transform } from 'node:stream';
import { Agent, request as undiciRequest } from 'undici';
import type { Dispatcher } from 'undici';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { HttpClient, HttpReply, HttpRequest } from '#connectors/contract/http.ts';
import { bodyOf } from './body.ts';
import { certificateEnd } from './certificate.ts';
import { startDeadline } from './deadline.ts';
import {
  checkTime,
  codeOf,
  errorCode,
  failure,
  markSent,
  refuseStrange,
  tooLarge,
  type Exchange,
  type Mark,
} from './exchange.ts';
import { addressCheck, checkUrl, guardedConnector, plainCheck } from './guard.ts';
import type { Allow } from './guard.ts';
import { standardTransfer, watchTransfer, type TransferLimits } from './transfer.ts';
import { wholeReply } from './whole-reply.ts';

export type HttpOptions = {
  readonly allow: Allow;
  /** Sockets kept open per helpdesk. Default 16. */
  readonly connectionsPerOrigin?: number;
  /** Milliseconds; default 5000. */
  readonly connectTimeoutMs?: number;
  /** How slowly files may come and go. */
  readonly transfer?: Partial<TransferLimits>;
  /** For tests: resolves names. */
  readonly resolve?: Parameters<typeof guardedConnector>[2];
};

/** A client that can be shut down; open sockets would keep a process alive. */
export type OwnedHttpClient = HttpClient & { close(): Promise<void> };

const defaultTimeoutMs = 30_000;
const defaultStreamTimeoutMs = 600_000;
const defaultMaxBytes = 10 * 1024 * 1024;
const defaultMaxStreamBytes = 1024 * 1024 * 1024;

export function createHttpClient(options: HttpOptions): OwnedHttpClient {
  const transfer = { ...standardTransfer, ...options.transfer };
  const checks = { https: addressCheck(options.allow.privateAddresses), http: plainCheck(options.allow) };
  const connector = (): ReturnType<typeof guardedConnector> =>
    guardedConnector(checks, options.connectTimeoutMs ?? 5_000, options.resolve);
  const agent = new Agent({
    connect: connector(),
    connections: options.connectionsPerOrigin ?? 16,
    pipelining: 1,
    // The exchange's own deadline rules; these two would only measure silence.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 60_000,
    maxHeaderSize: 32 * 1024,
  });
  const streaming = agent.compose(marking);

  /** @throws HelpdeskError where the address is not allowed */
  function begin(request: HttpRequest, streamed: boolean): Begun {
    const url = checkUrl(request.url, options.allow, checks);
    const write = request.method !== 'GET' && request.method !== 'HEAD';
    const notAfter = 'notAfter' in request ? request.notAfter : null;
    const deadline = startDeadline(
      request.signal,
      request.timeoutMs ?? (streamed ? defaultStreamTimeoutMs : defaultTimeoutMs),
    );
    const sent = bodyOf(request, { limits: transfer, late: deadline.expire, check: () => checkTime(notAfter) });
    let isTaken = (): boolean => true;
    const fetched = streamed && !write ? watchTransfer(transfer, deadline.expire, () => isTaken()) : null;
    const exchange: Exchange = {
      what: `${request.method} ${url.origin}${url.pathname}`,
      write,
      hasBody: request.method !== 'HEAD',
      deadline,
      transfer: fetched,
      watch: (taken) => {
        isTaken = taken;
      },
      stop() {
        deadline.clear();
        sent.stop();
        fetched?.stop();
      },
      mark: { sent: false, notAfter },
      maxBytes: request.maxBytes ?? (streamed ? defaultMaxStreamBytes : defaultMaxBytes),
    };
    const asked = {
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: request.method,
      headers: { ...sent.headers, ...request.headers, 'accept-encoding': 'identity' },
      body: sent.body,
    } as Dispatcher.DispatchOptions;
    return { exchange, asked };
  }

  return {
    async request(request): Promise<HttpReply> {
      const { exchange, asked } = begin(request, false);
      try {
        if (exchange.deadline.isOver()) throw failure(null, exchange);
        return await wholeReply(agent, asked, exchange);
      } catch (error) {
        if (request.body instanceof Readable) request.body.destroy();
        throw error;
      } finally {
        exchange.stop();
      }
    },
    async stream(request) {
      const { exchange, asked } = begin(request, true);
      try {
        if (exchange.deadline.isOver()) throw failure(null, exchange);
        const reply = await inTime(streaming, asked, exchange);
        return {
          status: reply.statusCode,
          headers: reply.headers as HttpReply['headers'],
          stream: bounded(reply.body, exchange),
        };
      } catch (error) {
        exchange.stop();
        if (request.body instanceof Readable) request.body.destroy();
        throw failure(error, exchange);
      }
    },
    async certificateEnd(text, signal) {
      const url = checkUrl(text, options.allow, checks);
      const deadline = startDeadline(signal, options.connectTimeoutMs ?? 5_000);
      try {
        // A connector of its own: a session that is resumed shows no certificate.
        const controller = new AbortController();
        deadline.whenOver(() => controller.abort());
        return await certificateEnd(connector(), url, controller.signal);
      } catch (error) {
        if (error instanceof HelpdeskError) throw error;
        const code = deadline.isOver() ? 'timeout' : codeOf(error);
        const what = `Looking at the certificate of ${url.origin} failed: ${code}.`;
        throw new HelpdeskError('retry', code, what, { cause: errorCode(error) });
      } finally {
        deadline.clear();
      }
    },
    async close() {
      await agent.destroy();
    },
  };
}

type Begun = { readonly exchange: Exchange; readonly asked: Dispatcher.DispatchOptions };

/** Notes the moment undici takes the request to an open socket. */
const marking: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
  const { mark } = options as unknown as { readonly mark: Mark };
  const begin = handler.onRequestStart?.bind(handler);
  handler.onRequestStart = (controller, context) => {
    begin?.(controller, context);
    // What is thrown here ends the request before anything of it is written.
    if (!controller.aborted) markSent(mark);
  };
  return dispatch(options, handler);
};

/** undici tells a request that waits for a connection of its abort only when its turn comes; this does at once. */
async function inTime(
  dispatcher: Dispatcher,
  asked: Dispatcher.DispatchOptions,
  exchange: Exchange,
): Promise<Dispatcher.ResponseData<unknown>> {
  const { deadline, mark } = exchange;
  const controller = new AbortController();
  const reply = await new Promise<Dispatcher.ResponseData<unknown>>((resolve, reject) => {
    deadline.whenOver(() => {
      controller.abort();
      if (!mark.sent) reject(controller.signal.reason);
    });
    const { origin, ...more } = asked;
    const options = { ...more, dispatcher, signal: controller.signal, mark };
    undiciRequest(String(origin), options as Parameters<typeof undiciRequest>[1]).then(resolve, reject);
  });
  try {
    refuseStrange(reply.statusCode, reply.headers, exchange);
    return reply;
  } catch (error) {
    reply.body.on('error', () => undefined).destroy();
    throw error;
  }
}

/** The body as a stream that fails with a HelpdeskError when it is cut, late or too long. */
function bounded(body: Readable, exchange: Exchange): Readable {
  let bytes = 0;
  const out = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.byteLength;
      exchange.transfer?.came(chunk.byteLength);
      if (bytes > exchange.maxBytes) done(tooLarge(exchange));
      else done(null, chunk);
    },
  });
  exchange.watch(() => out.readableLength < out.readableHighWaterMark);
  body.once('error', (error) => out.destroy(failure(error, exchange)));
  // All of it has come; what is left is read at leisure.
  body.once('end', () => exchange.transfer?.stop());
  out.once('close', () => {
    exchange.stop();
    body.on('error', () => undefined).destroy();
  });
  return body.pipe(out);
}
