/** Listens, within limits that a slow or greedy client can't stretch, and stops without dropping what it has taken. */
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
  /** 0 takes a free one. */
  readonly port: number;
  /** For a request's head and the whole of it; milliseconds. */
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** For the whole of a file; it must also come at a least rate, see slow-bodies.ts. */
  readonly uploadTimeoutMs?: number;
  readonly sockets?: Partial<SocketLimits>;
  /** Where it listens for this machine only: names under which others reach it, and who may speak for them. */
  readonly guard?: { readonly hosts: readonly string[]; readonly isProxy: (address: string) => boolean };
};

export type Served = {
  readonly url: string;
  /** Answers what is under way, at most `graceMs`, then closes what is left. */
  stop(graceMs?: number): Promise<void>;
};

/** Rejects with Node's error, for instance EADDRINUSE. */
export async function serve(gateway: GatewayApp, options: ServeOptions): Promise<Served> {
  const requestTimeout = options.requestTimeoutMs ?? 30_000;
  const { guard } = options;
  const server = createListener(
    getRequestListener(oneOfEach((request, env) => gateway.app.fetch(request, env as object))),
    {
      guard: {
        plainNames: true,
        ...(guard?.hosts === undefined ? {} : { hosts: guard.hosts }),
        // Tokens are asked for by a form.
        // Files are PUT, which no page sends to another origin without asking first; the token is asked for there.
        takes: (path) => path.startsWith('/oauth/') || path.startsWith('/v1/attachments/'),
      },
      // A webhook's address holds a secret, which no foreign page knows.
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
    'It was asked for by another name. Others reach it by a proxy: name that in FERRY_TRUSTED_PROXIES, and what it is called in FERRY_PUBLIC_URL.',
  'foreign-origin': 'Programs call it, with a token; no page does.',
  'not-json': 'Send it as application/json.',
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
