/**
 * Ends requests whose bodies arrive too slowly. The server's own time limit is the same for all requests, but a file may take
 * longer, as long as it arrives at a minimum rate.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

type Coming = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly at: number;
  /** Bytes read from the socket when the request began. */
  readonly bytesBefore: number;
  readonly isFile: boolean;
};

const leastBytesPerMs = (10 * 1024) / 1_000;
const file = /\/v1\/attachments\//;

/** Watches requests. @param timeoutMs for a whole request, and how long a file may be slower than its minimum rate */
export function watchBodies(server: Server, timeoutMs: number): { stop(): void } {
  const coming = new Set<Coming>();
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const { headers, socket, method, url } = request;
    if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
    const isFile = method === 'PUT' && file.test(url ?? '');
    const one = { request, response, at: performance.now(), bytesBefore: socket.bytesRead, isFile };
    coming.add(one);
    response.once('close', () => coming.delete(one));
  });
  const timer = setInterval(
    () => {
      const now = performance.now();
      for (const one of coming) {
        if (one.request.complete) coming.delete(one);
        else if (isLate(one, now - one.at, timeoutMs)) giveUp(one);
      }
    },
    Math.min(1_000, timeoutMs / 2),
  );
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

function isLate({ request, bytesBefore, isFile }: Coming, elapsedMs: number, timeoutMs: number): boolean {
  if (elapsedMs <= timeoutMs) return false;
  if (!isFile) return true;
  const came = request.socket.bytesRead - bytesBefore;
  return came < (elapsedMs - timeoutMs) * leastBytesPerMs;
}

function giveUp({ request, response }: Coming): void {
  const { socket } = request;
  if (!response.headersSent && !socket.destroyed)
    socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', () =>
      socket.destroy(),
    );
  else socket.destroy();
}
