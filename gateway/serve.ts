/** Listens, with limits against slow or greedy clients, and stops without dropping accepted requests. */
import { getRequestListener } from '@hono/node-server';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GatewayApp } from './app.ts';
import { createListener } from '#listener/listener.ts';
import { problemText } from './problems.ts';
import { standardSockets, watchSockets, type SocketLimits } from './limits/sockets.ts';
import { oneOfEach } from './one-of-each.ts';
import { watchBodies } from './slow-bodies.ts';

export type ServeOptions = {
  readonly host: string;
  /** 0 chooses a free port. */
  readonly port: number;
  /** Time limits for a request's head and for the whole request; milliseconds. */
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** Time limit for a whole file, which must also arrive at a minimum rate, see slow-bodies.ts. */
  readonly uploadTimeoutMs?: number;
  readonly sockets?: Partial<SocketLimits>;
  /** For a gateway that listens only on this machine: its public names, and the proxies that may use them. */
  readonly guard?: { readonly hosts: readonly string[]; readonly isProxy: (address: string) => boolean };
};

export type Served = {
  readonly url: string;
  /** Answers requests in progress for at most `graceMs`, then closes all connections. */
  stop(graceMs?: number): Promise<void>;
};

/** Starts listening. Rejects with Node's error, for instance EADDRINUSE. */
export async function serve(gateway: GatewayApp, options: ServeOptions): Promise<Served> {
  const requestTimeout = options.requestTimeoutMs ?? 30_000;
  const { guard } = options;
  const server = createListener(
    getRequestListener(oneOfEach((request, env) => gateway.app.fetch(request, env as object))),
    {
      guard: {
        plainNames: true,
        ...(guard?.hosts === undefined ? {} : { hosts: guard.hosts }),
        // Token requests are forms.
        // Files use PUT, which pages can't send to another origin without a preflight request; the token is checked there.
        takes: (path) => path.startsWith('/oauth/') || path.startsWith('/v1/attachments/'),
      },
      // A webhook's address contains a secret, which no foreign page knows.
      isTrusted: ({ socket, url = '' }) =>
        url.startsWith('/hooks/') || guard?.isProxy(socket.remoteAddress ?? '') === true,
      refusal: ({ code }) => ({ type: 'application/problem+json', body: problemText(code, details[code]) }),
      server: {
        maxHeaderSize: 16 * 1024,
        headersTimeout: options.headersTimeoutMs ?? 10_000,
        requestTimeout: Math.max(requestTimeout, options.uploadTimeoutMs ?? 30 * 60_000),
        keepAliveTimeout: 30_000,
        connectionsCheckingInterval: Math.min(1_000, requestTimeout / 2),
        requireHostHeader: true,
      },
    },
  );
  server.maxHeadersCount = 100;
  server.maxConnections = 2_000;
  const watch = watchBodies(server, requestTimeout);
  const sockets = watchSockets(server, { ...standardSockets, ...options.sockets });
  server.once('close', watch.stop).once('close', sockets.stop);
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return { url: `http://${host}:${port}`, stop: (graceMs) => stop(server, gateway, graceMs) };
}

const details = {
  'foreign-host':
    'The Host header has another name. If others reach this gateway through a proxy, set FERRY_TRUSTED_PROXIES to the proxy and FERRY_PUBLIC_URL to the public name.',
  'foreign-origin': 'Only programs may call it, with a token.',
  'not-json': 'Send the body as application/json.',
} as const;

function listen(server: Server, options: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function stop(server: Server, gateway: GatewayApp, graceMs = 10_000): Promise<void> {
  gateway.stopping();
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
  await gateway.idle();
}
