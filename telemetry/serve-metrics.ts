/** A separate listener for Prometheus, so that public listeners never show metrics, and the worker has one too. */
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createListener } from '#listener/listener.ts';
import type { Metrics } from './metrics.ts';

export type MetricsServer = { readonly url: string; close(): Promise<void> };

/** Starts it. Rejects with Node's error, for instance EADDRINUSE. @param address port 0 chooses a free port */
export async function serveMetrics(
  metrics: Pick<Metrics, 'text' | 'contentType'>,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<MetricsServer> {
  const handle: RequestListener = (request, response) => {
    const answer = (status: number, type: string, text: string): void => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(request.method === 'HEAD' ? undefined : text);
    };
    const plain = 'text/plain; charset=utf-8';
    const [path] = (request.url ?? '').split('?', 1);
    if (path !== '/metrics') return answer(404, plain, 'Only /metrics exists here.\n');
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, plain, 'Use GET.\n');
    metrics.text().then(
      (text) => answer(200, metrics.contentType, text),
      () => answer(500, plain, 'The metrics could not be collected.\n'),
    );
  };
  const server = createListener(handle, {
    server: { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000 },
  });
  server.maxConnections = 50;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
