/**
 * Makes every HTTP server of Ferry and of its stand-ins, so that none is without the guard. A server that only this machine can
 * reach accepts only this machine's names, and no foreign page.
 */
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { foreignIn, isLoopback, type Foreign, type Guard } from './guard.ts';

export type ListenerOptions = {
  readonly guard?: Guard;
  readonly server?: ServerOptions;
  /** Says whether a request came through a proxy that checks Host and Origin itself. */
  readonly isTrusted?: (request: IncomingMessage) => boolean;
  /** Writes a refusal. Default: as text. */
  readonly refusal?: (foreign: Foreign, words: string) => { readonly type: string; readonly body: string };
};

/** Makes a server that does not listen yet. Its address decides: a server that other machines can reach accepts any name. */
export function createListener(
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
  options: ListenerOptions = {},
): Server {
  const { guard = {}, isTrusted = () => false } = options;
  const refusal = options.refusal ?? ((_, words) => ({ type: 'text/plain; charset=utf-8', body: `${words}\n` }));
  let isLocal = false;
  const server = createServer(options.server ?? {}, (request, response) => {
    const { method = '', url = '', headers } = request;
    const foreign =
      isLocal && !isTrusted(request) ? foreignIn({ method, path: url.split('?', 1)[0] ?? '', headers }, guard) : null;
    if (foreign === null) return void handle(request, response);
    const { type, body } = refusal(foreign, words[foreign.code]);
    response.writeHead(foreign.status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      connection: 'close',
    });
    response.end(method === 'HEAD' ? undefined : body);
  });
  server.on('listening', () => {
    const address = server.address();
    isLocal = address !== null && (typeof address === 'string' || isLoopback(address.address));
  });
  return server;
}

const words: Readonly<Record<Foreign['code'], string>> = {
  'foreign-host': 'This server answers only this machine, and the Host header has another name. Use 127.0.0.1.',
  'foreign-origin': 'Only a page of this server may do that. Reload the page and try again.',
  'not-json': 'Send the body as application/json.',
};
