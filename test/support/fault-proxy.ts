/**
 * A small HTTP proxy that misbehaves on purpose: it loses a reply after the helpdesk has done the work, cuts the
 * connection before it, or answers itself. It is put before helpdesks that cannot be made to misbehave.
 */
import { createServer, request as forward } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Trick =
  /** Passes the request on, waits until the helpdesk has answered, then breaks the connection. */
  | { readonly kind: 'lose-reply' }
  /** Breaks the connection; the helpdesk never sees the request. */
  | { readonly kind: 'cut' }
  /** Answers instead of the helpdesk. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    };

export type Armed = Trick & {
  /** Only requests with this method; all when absent. */
  readonly method?: string | readonly string[];
  /** Only paths (with query) that match. */
  readonly path?: RegExp;
  /** How many requests it strikes; once when absent. */
  readonly times?: number;
};

export type FaultProxy = {
  readonly url: string;
  arm(trick: Armed): void;
  clear(): void;
  /** Requests seen so far, newest last: `GET /path`. */
  readonly seen: readonly string[];
  close(): Promise<void>;
};

/**
 * Starts the proxy. `target`: where requests go, such as `http://127.0.0.1:18080`. The Host header is passed on
 * unchanged.
 */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const seen: string[] = [];
  let armed: { readonly trick: Armed; left: number }[] = [];

  function struck(request: IncomingMessage): Armed | undefined {
    const found = armed.find(({ trick }) => {
      const methods = trick.method === undefined ? undefined : [trick.method].flat();
      if (methods !== undefined && !methods.includes(request.method ?? '')) return false;
      return trick.path === undefined || trick.path.test(request.url ?? '');
    });
    if (found === undefined) return undefined;
    found.left--;
    if (found.left === 0) armed = armed.filter((one) => one !== found);
    return found.trick;
  }

  function pass(request: IncomingMessage, reply: ServerResponse, isLost: boolean): void {
    const { method, url: path, headers } = request;
    const onward = forward({ hostname, port, method, path, headers, agent: false }, (answer) => {
      if (isLost) {
        answer.resume().once('end', () => request.socket.destroy());
        return;
      }
      reply.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(reply);
      answer.once('error', () => reply.destroy());
    });
    onward.once('error', () => request.socket.destroy());
    request.once('error', () => onward.destroy());
    request.pipe(onward);
  }

  const server = createServer((request, reply) => {
    seen.push(`${request.method} ${request.url}`);
    reply.on('error', () => undefined);
    const trick = struck(request);
    if (trick?.kind === 'cut') request.socket.destroy();
    else if (trick?.kind === 'answer') {
      request.resume().once('end', () => reply.writeHead(trick.status, trick.headers).end(trick.body ?? ''));
    } else pass(request, reply, trick?.kind === 'lose-reply');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    arm(trick) {
      armed.push({ trick, left: trick.times ?? 1 });
    },
    clear() {
      armed = [];
    },
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
