/**
 * The one way out of Ferry to helpdesks and peers. No redirects, no decoding, bounded in time and size, only to allowed
 * addresses (guard.ts). Every failure is a HelpdeskError; messages never hold a query, a header or a body.
 *
 * What may have happened decides the class: nothing was sent yet → `retry`; a read → `retry`; a write whose request may
 * have left → `in-doubt`.
 */
import { Readable, Transform } from 'node:stream';
import { Agent, request as undiciRequest } from 'undici';
import type { Dispatcher } from 'undici';
import { standardTransfer, watchTransfer, type TransferLimits, type TransferWatch } from './transfer.ts';
import { bodyOf } from './body.ts';
import { certificateEnd } from './certificate.ts';
import { addressCheck, checkUrl, guardedConnector, plainCheck } from './guard.ts';
import type { Allow } from './guard.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { HttpClient, HttpReply, HttpRequest } from '#connectors/contract/http.ts';
import type { NotAfter } from '#connectors/contract/not-after.ts';

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

/** The time of a write is over. */
class TooLateError extends Error {}

/** What is known of a request at the socket. */
type Mark = { sent: boolean; readonly notAfter: NotAfter | null };

/** A client that can be shut down; open sockets would keep a process alive. */
export type OwnedHttpClient = HttpClient & { close(): Promise<void> };

const defaultTimeoutMs = 30_000;
const defaultStreamTimeoutMs = 600_000;
const defaultMaxBytes = 10 * 1024 * 1024;
const defaultMaxStreamBytes = 1024 * 1024 * 1024;

type Exchange = {
  readonly what: string;
  readonly write: boolean;
  /** The answer to a HEAD names a length and has no body. */
  readonly hasBody: boolean;
  readonly deadline: Deadline;
  readonly mark: Mark;
  readonly maxBytes: number;
  /** Of a file that is fetched. */
  readonly transfer: TransferWatch | null;
  /** Whether its receiver takes more of it. */
  watch(isTaken: () => boolean): void;
  /** The time is over, or nothing more is to be watched. */
  stop(): void;
};

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
  const dispatcher = agent.compose(markSent);

  async function start(
    request: HttpRequest,
    streamed: boolean,
  ): Promise<readonly [Exchange, Dispatcher.ResponseData<unknown>]> {
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
    try {
      exchange.deadline.signal.throwIfAborted();
      const asked = undiciRequest(url, {
        dispatcher,
        method: request.method,
        headers: { ...sent.headers, ...request.headers, 'accept-encoding': 'identity' },
        body: sent.body,
        signal: exchange.deadline.signal,
        mark: exchange.mark,
      } as Parameters<typeof undiciRequest>[1]);
      const reply = await inTime(asked, exchange);
      refuseStrange(reply, exchange);
      return [exchange, reply];
    } catch (error) {
      exchange.stop();
      if (request.body instanceof Readable) request.body.destroy();
      throw failure(error, exchange);
    }
  }

  return {
    async request(request): Promise<HttpReply> {
      const [exchange, reply] = await start(request, false);
      try {
        const text = await readText(reply.body, exchange);
        return { status: reply.statusCode, headers: reply.headers as HttpReply['headers'], text };
      } catch (error) {
        throw failure(error, exchange);
      } finally {
        exchange.stop();
      }
    },
    async stream(request) {
      const [exchange, reply] = await start(request, true);
      return {
        status: reply.statusCode,
        headers: reply.headers as HttpReply['headers'],
        stream: bounded(reply.body, exchange),
      };
    },
    async certificateEnd(text, signal) {
      const url = checkUrl(text, options.allow, checks);
      const deadline = startDeadline(signal, options.connectTimeoutMs ?? 5_000);
      try {
        // A connector of its own: a session that is resumed shows no certificate.
        return await certificateEnd(connector(), url, deadline.signal);
      } catch (error) {
        if (error instanceof HelpdeskError) throw error;
        const code = deadline.signal.aborted ? 'timeout' : codeOf(error);
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

/**
 * Notes the moment undici takes the request to an open socket: from then on it may have reached the helpdesk. The last
 * look at the clock: what has waited for a connection, or for its process to run again, may be too late by now.
 */
const markSent: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
  const { mark } = options as unknown as { readonly mark: Mark };
  const begin = handler.onRequestStart?.bind(handler);
  handler.onRequestStart = (controller, context) => {
    begin?.(controller, context);
    if (controller.aborted) return;
    // What is thrown here ends the request before anything of it is written.
    checkTime(mark.notAfter);
    mark.sent = true;
  };
  return dispatch(options, handler);
};

/** Throws where the time of a write is over. */
function checkTime(notAfter: NotAfter | null): void {
  if (notAfter === null || notAfter.leftMs() > 0) return;
  throw new TooLateError();
}

type Deadline = {
  readonly signal: AbortSignal;
  readonly expired: () => boolean;
  /** As if the time were over. */
  readonly expire: () => void;
  readonly clear: () => void;
};

/** One signal for the caller's abort and the time limit; cheaper than AbortSignal.any, and leaves nothing behind. */
function startDeadline(caller: AbortSignal, timeoutMs: number): Deadline {
  const controller = new AbortController();
  let expired = false;
  const abort = (): void => controller.abort();
  const expire = (): void => {
    expired = true;
    abort();
  };
  const timer = setTimeout(expire, timeoutMs);
  if (caller.aborted) abort();
  else caller.addEventListener('abort', abort, { once: true });
  return {
    signal: controller.signal,
    expired: () => expired,
    expire,
    clear() {
      clearTimeout(timer);
      caller.removeEventListener('abort', abort);
    },
  };
}

/** undici tells a request that waits for a connection of its abort only when its turn comes; this does at once. */
function inTime<T>(asked: Promise<T>, { deadline, mark }: Exchange): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      if (!mark.sent) reject(deadline.signal.reason);
    };
    deadline.signal.addEventListener('abort', stop, { once: true });
    asked.then(resolve, reject);
  });
}

function refuseStrange(reply: Dispatcher.ResponseData<unknown>, exchange: Exchange): void {
  const encoding = reply.headers['content-encoding'];
  const redirected = reply.statusCode >= 300 && reply.statusCode < 400 && reply.statusCode !== 304;
  const encoded = encoding !== undefined && String(encoding).toLowerCase() !== 'identity';
  const length = Number(reply.headers['content-length'] ?? 0);
  if (!redirected && !encoded && !(exchange.hasBody && length > exchange.maxBytes)) return;
  reply.body.on('error', () => undefined).destroy();
  if (redirected) {
    throw uncertain(
      exchange,
      'redirected',
      'was answered with a redirect, which is never followed. Check the URL in the settings',
    );
  }
  if (encoded) throw uncertain(exchange, 'encoded-reply', 'was answered in an encoding that was not asked for');
  throw tooLarge(exchange);
}

async function readText(body: Readable, exchange: Exchange): Promise<string> {
  let first: Uint8Array | null = null;
  let rest: Uint8Array[] | null = null;
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > exchange.maxBytes) throw tooLarge(exchange);
    if (first === null) first = chunk;
    else (rest ??= [first]).push(chunk);
  }
  if (first === null) return '';
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(rest === null ? first : Buffer.concat(rest, bytes));
  } catch {
    throw uncertain(exchange, 'not-utf-8', 'was answered with text that is not UTF-8');
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

function failure(error: unknown, exchange: Exchange): HelpdeskError {
  if (error instanceof HelpdeskError) return error;
  if (error instanceof TooLateError) return uncertain(exchange, 'too-late', 'came too late and was not sent');
  const code = errorCode(error);
  if (exchange.deadline.expired()) return uncertain(exchange, 'timeout', 'took too long and was given up', error);
  if (exchange.deadline.signal.aborted) return uncertain(exchange, 'aborted', 'was given up', error);
  return uncertain(exchange, codeOf(error), `failed: ${code}`, error);
}

function codeOf(error: unknown): string {
  const code = errorCode(error);
  return plainCodes.get(code) ?? (isTlsCode(code) ? 'tls' : 'network');
}

function uncertain(exchange: Exchange, code: string, what: string, cause?: unknown): HelpdeskError {
  const errorClass = exchange.write && exchange.mark.sent ? 'in-doubt' : 'retry';
  const after = errorClass === 'in-doubt' ? ' The change may or may not have been made.' : '';
  // Only the code of the cause is kept: its own message could repeat what was sent.
  return new HelpdeskError(errorClass, code, `${exchange.what} ${what}.${after}`, {
    cause: cause === undefined ? undefined : errorCode(cause),
  });
}

function tooLarge(exchange: Exchange): HelpdeskError {
  const limit = `${exchange.what} was answered with more than ${exchange.maxBytes} bytes, which is more than is read.`;
  return new HelpdeskError(exchange.write ? 'in-doubt' : 'refused', 'reply-too-large', limit);
}

const plainCodes: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connection-refused'],
  ['ENOTFOUND', 'name-not-found'],
  ['EAI_AGAIN', 'name-not-found'],
  ['UND_ERR_CONNECT_TIMEOUT', 'connect-timeout'],
  ['ETIMEDOUT', 'connect-timeout'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ENETUNREACH', 'unreachable'],
  ['ECONNRESET', 'connection-reset'],
  ['EPIPE', 'connection-reset'],
  ['UND_ERR_SOCKET', 'connection-reset'],
]);

function isTlsCode(code: string): boolean {
  return /^(ERR_TLS|ERR_SSL|CERT_|CRL_|ERROR_IN_CERT|HOSTNAME_|INVALID_(CA|PURPOSE)|PATH_LENGTH|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|EPROTO)/.test(
    code,
  );
}

function errorCode(error: unknown): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  const code = (inner as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'unknown';
}
